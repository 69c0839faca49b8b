#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/json_reading.h"
#include "app/cli/json_words.h"
#include "app/cli/render.h"
#include "app/cli/replica_rows.h"
#include "app/cli/times.h"
#include "remediation/words.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

/// What the replication state means to a reader; empty where nothing is to be said.
std::string direction(const std::string& replication) {
  if (replication == "Established" || replication == "Off") return {};
  if (replication == "SyncSource") return "sends";
  if (replication == "SyncTarget") return "receives";
  if (replication == "PausedSyncS") return "paused, sends";
  if (replication == "PausedSyncT") return "paused, receives";
  if (replication == "VerifyS" || replication == "VerifyT") return "verifies";
  return replication;
}

std::string sync_text(const json& device) {
  std::vector<std::string> parts;
  if (auto words = direction(text_or(device, "replication")); !words.empty()) {
    parts.push_back(std::move(words));
  }
  if (const auto suspended = text_at(device, "resync_suspended"); suspended && *suspended != "no") {
    parts.push_back("held by " + printable(*suspended));
  }
  if (const auto done = number_at(device, "done_ratio")) {
    parts.push_back(fmt::format("{:.1f} % done", *done * 100));
  }
  const auto missing = number_at(device, "out_of_sync_bytes");
  if (missing && *missing > 0) parts.push_back(bytes_text(*missing) + " out of sync");
  if (const auto speed = number_at(device, "bytes_per_second"); speed && *speed > 0) {
    parts.push_back(bytes_text(*speed) + "/s");
  }
  if (const auto eta = number_at(device, "eta_seconds")) {
    parts.push_back(short_duration(Seconds(*eta)) + " to go");
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// The VMs that have a disk on the resource.
std::string carried(const json& status, const std::string& resource) {
  std::vector<std::string> names;
  for (const json& vm : list_at(status, "vms")) {
    for (const json& disk : list_at(vm, "disks")) {
      const std::vector<json> under = list_at(disk, "resources");
      const bool on_it = std::ranges::any_of(under, [&](const json& name) {
        return name.is_string() && name.get<std::string>() == resource;
      });
      if (!on_it) continue;
      names.push_back(text_or(vm, "name"));
      break;
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<Cell> peer_cells(const json& peer, const json& volume) {
  if (!peer.is_object()) return {{"-"}, {"-"}, {"-"}, {"-"}, {""}};
  const std::string connection = text_or(peer, "connection");
  const json* seen = nullptr;
  const json& devices = value_at(peer, "devices");
  if (devices.is_array()) {
    const auto at = std::ranges::find_if(
        devices, [&](const json& device) { return value_at(device, "volume") == volume; });
    if (at != devices.end()) seen = &*at;
  }
  const std::string disk = seen == nullptr ? std::string(kNotKnown) : text_or(*seen, "disk");
  return {{text_or(peer, "name")},
          {connection, good_if(connection == "Connected")},
          {text_or(peer, "role")},
          {disk, good_if(disk == "UpToDate")},
          {seen == nullptr ? "" : sync_text(*seen), Colour::warning}};
}

void add_resource(Table& table, const json& status, const json& resource) {
  add_replica_rows(table, resource, peer_cells, {carried(status, text_or(resource, "name"))});
}

/// What a table has no room for: a line for each.
std::string notes(const json& resource, const Style& style) {
  const std::string name = text_or(resource, "name");
  std::string text;
  const auto note = [&](const std::string& what, Colour colour) {
    text += painted(fmt::format("{}: {}", name, what), colour, style) + "\n";
  };
  if (const json& split = value_at(resource, "split_brain"); split.is_object()) {
    note(fmt::format("SPLIT BRAIN: both sides wrote ({}, {})", text_or(split, "what"),
                     time_or(split, "at")),
         Colour::bad);
  }
  if (const auto suspended = text_at(resource, "suspended"); suspended && *suspended != "no") {
    note("I/O is suspended: " + printable(*suspended), Colour::bad);
  }
  for (const json& peer : list_at(resource, "peers")) {
    const json& loss = value_at(peer, "loss");
    if (!loss.is_object()) continue;
    std::string line =
        fmt::format("link to {} given up, cause {}", text_or(peer, "name"), text_or(loss, "cause"));
    if (text_at(loss, "at")) line += ", " + time_or(loss, "at");
    if (text_at(loss, "what")) line += " (" + text_or(loss, "what") + ")";
    note(line, Colour::warning);
  }
  for (const json& device : list_at(resource, "devices")) {
    if (flag_at(device, "crashed_primary").value_or(false)) {
      note("was Primary here when this node went down hard", Colour::warning);
    }
  }
  if (const auto manager = text_at(resource, "other_manager")) {
    note("managed by " + printable(*manager), Colour::none);
  }
  return text;
}

}  // namespace

std::string render_drbd(const json& status, const Style& style) {
  const json& drbd = value_at(status, "drbd");
  if (!flag_at(drbd, "in_use").value_or(false)) return "DRBD is not in use here\n";
  std::string head = "DRBD " + text_or(drbd, "version", "");
  if (flag_at(drbd, "module_loaded") == false) head = "DRBD: the kernel module is not loaded";
  if (flag_at(drbd, "simulated").value_or(false)) head += " (simulated)";
  if (flag_at(drbd, "known") == false) head += " (can't be read; resources as last known)";
  const json& resources = value_at(drbd, "resources");
  if (!resources.is_array() || resources.empty()) return head + ", no resources\n";
  Table table(
      {"RESOURCE", "ROLE", "DISK", "PEER", "CONNECTION", "PEER ROLE", "PEER DISK", "SYNC", "VMS"});
  std::string below;
  for (const json& resource : resources) {
    add_resource(table, status, resource);
    below += notes(resource, style);
  }
  return head + "\n" + table.text(style) + (below.empty() ? "" : "\n" + below);
}

}  // namespace upkeep::cli
