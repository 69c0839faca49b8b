#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/cluster_status.h"
#include "app/cli/json_reading.h"
#include "app/cli/json_words.h"
#include "exporter/model/node_names.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

bool is_up(const json& vm) { return flag_at(vm, "up").value_or(false); }
bool is_wanted(const json& vm) { return text_at(vm, "wanted") == "up"; }

/// "14 of 15 up": of those that are wanted; "?" where the node can't see them.
Cell vms_cell(const json& status) {
  if (!value_at(status, "vms").is_array()) return {std::string(kNotKnown), Colour::warning};
  std::size_t wanted = 0;
  std::size_t up = 0;
  std::size_t unknown = 0;
  for (const json& vm : list_at(status, "vms")) {
    if (!is_wanted(vm)) continue;
    ++wanted;
    if (is_up(vm)) ++up;
    if (!flag_at(vm, "up")) ++unknown;
  }
  if (unknown > 0) {
    return {fmt::format("{} of {} up, {} unknown", up, wanted, unknown), Colour::warning};
  }
  return {fmt::format("{} of {} up", up, wanted), up == wanted ? Colour::good : Colour::bad};
}

bool is_connected(const json& resource) {
  const auto peers = list_at(resource, "peers");
  return std::ranges::all_of(
      peers, [](const json& peer) { return text_at(peer, "connection") == "Connected"; });
}

bool is_up_to_date(const json& resource) {
  const auto devices = list_at(resource, "devices");
  return !devices.empty() && std::ranges::all_of(devices, [](const json& device) {
    return text_at(device, "disk") == "UpToDate";
  });
}

Cell drbd_cell(const json& status) {
  const json& drbd = value_at(status, "drbd");
  if (!flag_at(drbd, "in_use").value_or(false)) return {"-"};
  if (flag_at(drbd, "known") == false) return {std::string(kNotKnown), Colour::warning};
  const auto resources = list_at(drbd, "resources");
  std::size_t well = 0;
  for (const json& resource : resources) {
    if (is_connected(resource) && is_up_to_date(resource)) ++well;
  }
  return {fmt::format("{} of {} well", well, resources.size()),
          well == resources.size() ? Colour::good : Colour::bad};
}

/// What goes on there that whoever looks at the cluster should know.
Cell remark_cell(const json& status, const std::string& name) {
  std::vector<std::string> remarks;
  const std::string own_name = text_or(status, "node");
  if (!is_name_of(NodeName{own_name}, NodeName{name}))
    remarks.push_back("calls itself " + own_name);
  if (!flag_at(status, "ready").value_or(false)) remarks.emplace_back("not everything read yet");
  if (flag_at(value_at(status, "boot"), "shutting_down").value_or(false)) {
    remarks.emplace_back("shutting down");
  }
  for (const json& source : list_at(status, "sources")) {
    if (flag_at(source, "in_use").value_or(true) && flag_at(source, "up") == false) {
      remarks.push_back(text_or(source, "name") + " can't be read");
    }
  }
  const json& recovery = value_at(status, "recovery");
  if (recovery.is_object() && !value_at(recovery, "ended_at").is_string()) {
    remarks.emplace_back("recovery under way");
  }
  const auto in_flight = list_at(status, "in_flight");
  if (!in_flight.empty()) remarks.push_back(fmt::format("{} under way", in_flight.size()));
  const auto declared = list_at(status, "declared");
  for (const json& said : declared) {
    const std::string what = text_or(said, "what");
    if (what == "paused" || what == "maintenance") {
      remarks.push_back(fmt::format("{}: {}", what, text_or(said, "subject")));
    }
  }
  return {fmt::format("{}", fmt::join(remarks, ", ")), Colour::warning};
}

void add_node(Table& table, const json& node) {
  const json& status = value_at(node, "status");
  if (!status.is_object()) {
    table.add({{text_or(node, "name"), Colour::strong},
               {"no answer", Colour::bad},
               {"-"},
               {std::string(kNotKnown)},
               {std::string(kNotKnown)},
               {text_or(node, "error"), Colour::bad}});
    return;
  }
  const std::string mode = text_or(status, "mode");
  table.add({{text_or(node, "name"), Colour::strong},
             {mode, mode == "act" ? Colour::none : Colour::warning},
             {time_or(value_at(status, "boot"), "booted_at")},
             vms_cell(status),
             drbd_cell(status),
             remark_cell(status, text_or(node, "name"))});
}

std::string decision_of(const json& subject) {
  return text_or(value_at(subject, "decision"), "text", "");
}

/// VMs and resources that aren't as they are wanted to be, or about which something is decided.
Table troubles(const json& cluster) {
  Table table({"NODE", "TARGET", "STATE", "DECISION"});
  for (const json& node : list_at(cluster, "nodes")) {
    const json& status = value_at(node, "status");
    for (const json& vm : list_at(status, "vms")) {
      const std::string decision = decision_of(vm);
      if (decision.empty() && (is_up(vm) || !is_wanted(vm))) continue;
      table.add({{text_or(node, "name")},
                 {"vm/" + text_or(vm, "name"), Colour::strong},
                 {text_or(vm, "state"), is_up(vm) ? Colour::warning : Colour::bad},
                 {decision, Colour::warning}});
    }
    for (const json& resource : list_at(value_at(status, "drbd"), "resources")) {
      const std::string decision = decision_of(resource);
      if (decision.empty()) continue;
      table.add({{text_or(node, "name")},
                 {"resource/" + text_or(resource, "name"), Colour::strong},
                 {text_or(resource, "role")},
                 {decision, Colour::warning}});
    }
  }
  return table;
}

/// Tells nodes apart: two addresses may lead to the same one, and two nodes may have one name.
std::string place_of(const json& status) {
  const auto boot = text_at(value_at(status, "boot"), "id");
  return boot ? *boot : text_or(status, "node");
}

/// A VM that more than one node says runs there: nothing could be worse.
std::string double_lines(const json& cluster, const Style& style) {
  std::map<std::string, std::pair<std::string, std::map<std::string, std::string>>> places;
  for (const json& node : list_at(cluster, "nodes")) {
    for (const json& vm : list_at(value_at(node, "status"), "vms")) {
      const auto uuid = text_at(vm, "uuid");
      if (!uuid || !is_up(vm)) continue;
      auto& [name, nodes] = places[*uuid];
      name = text_or(vm, "name");
      nodes.emplace(place_of(value_at(node, "status")), text_or(node, "name"));
    }
  }
  std::string text;
  for (const auto& [uuid, place] : places) {
    const auto& [name, nodes] = place;
    if (nodes.size() < 2) continue;
    const auto names = std::views::values(nodes);
    text += painted(fmt::format("{} RUNS TWICE: on {} (or it is being migrated)", name,
                                fmt::join(names, " and on ")),
                    Colour::bad, style) +
            "\n";
  }
  return text;
}

}  // namespace

std::string render_cluster(const json& cluster, const Style& style) {
  Table nodes({"NODE", "MODE", "BOOTED", "VMS", "DRBD", "REMARKS"});
  for (const json& node : list_at(cluster, "nodes")) add_node(nodes, node);
  std::string text = nodes.text(style);
  if (const std::string doubles = double_lines(cluster, style); !doubles.empty()) {
    text += "\n" + doubles;
  }
  if (const Table table = troubles(cluster); !table.empty()) text += "\n" + table.text(style);
  return text;
}

}  // namespace upkeep::cli
