#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/cli/json_reading.h"
#include "app/cli/json_words.h"
#include "app/cli/render.h"
#include "app/cli/table.h"
#include "app/cli/times.h"
#include "remediation/recovery.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

std::string seconds_cell(const json& object, const char* key) {
  const auto seconds = number_at(object, key);
  return seconds ? fmt::format("{:.1f}", *seconds) : "-";
}

Colour colour_of(const std::string& state) {
  if (state == "healthy") return Colour::good;
  if (state == "latched" || state == "held" || state == "unverified") return Colour::bad;
  return Colour::warning;
}

void add_vm(Table& table, const json& vm) {
  const std::string state = text_or(vm, "state");
  const auto hold = text_at(vm, "hold");
  std::vector<Cell> row{
      {text_or(vm, "name"), Colour::strong},
      {hold ? fmt::format("{} ({})", state, printable(*hold)) : state, colour_of(state)},
      {seconds_cell(vm, "back_after_seconds")}};
  const json& phases = value_at(vm, "phases");
  for (const char* phase : {"detect", "gate", "queue", "storage", "start", "verify"}) {
    row.push_back({seconds_cell(phases, phase), Colour::faint});
  }
  table.add(std::move(row));
}

}  // namespace

std::string recovery_line(const json& recovery) {
  std::string states;
  const json& counts = value_at(recovery, "states");
  for (const MemberState state : kMemberStates) {
    const auto count = number_at(counts, std::string(to_string(state)).c_str()).value_or(0);
    if (count < 1) continue;
    states += fmt::format("{}{:.0f} {}", states.empty() ? "" : ", ", count, to_string(state));
  }
  const bool boot = text_or(recovery, "cause") == "node_boot";
  const std::string cause =
      boot ? "after the boot"
           : "after losing most VMs at once (" + text_or(recovery, "detail") + ")";
  const auto seconds = number_at(recovery, "seconds");
  const std::string time = time_or(recovery, "opened_at");
  return fmt::format("recovery {} {} on {}: {}; {}",
                     static_cast<long>(number_at(recovery, "id").value_or(0)), cause, time, states,
                     seconds ? "over after " + short_duration(Seconds(*seconds)) : "under way");
}

std::string render_recovery(const json& recovery, const Style& style) {
  Table table(
      {"VM", "STATE", "BACK AFTER", "DETECT", "GATE", "QUEUE", "STORAGE", "START", "VERIFY"});
  for (const json& vm : list_at(recovery, "vms")) add_vm(table, vm);
  return painted(recovery_line(recovery), Colour::strong, style) + "\n\n" + table.text(style);
}

}  // namespace upkeep::cli
