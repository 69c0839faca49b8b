#include "app/cli/render.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string_view>
#include <vector>

#include "app/cli/json_reading.h"
#include "app/cli/json_words.h"
#include "app/cli/replica_rows.h"
#include "app/cli/times.h"
#include "remediation/words.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

std::string head_lines(const json& status, const Style& style) {
  const bool offline = flag_at(status, "offline").value_or(false);
  const std::string mode = text_or(status, "mode");
  const bool ready = flag_at(status, "ready").value_or(false);
  std::string since;
  if (const auto started = text_at(status, "started_at")) {
    since = "running since " + time_or(status, "started_at");
  }
  std::string text =
      joined(
          {painted(text_or(status, "node"), Colour::strong, style),
           offline ? painted("upkeep is not running", Colour::bad, style)
                   : painted("mode " + mode, mode == "act" ? Colour::none : Colour::warning, style),
           offline || ready ? ""
                            : painted("not everything has been read yet", Colour::warning, style),
           offline ? "" : "upkeep " + text_or(status, "version"), since}) +
      "\n";
  const json& boot = value_at(status, "boot");
  if (!boot.is_object()) return text;
  std::string booted = "booted " + time_or(boot, "booted_at");
  if (const auto previous = text_at(boot, "previous_shutdown");
      previous && *previous != "unknown") {
    booted += fmt::format(" after a{} {} shutdown", *previous == "unclean" ? "n" : "",
                          printable(*previous));
  }
  if (const auto down = number_at(boot, "downtime_seconds")) {
    booted += fmt::format(" ({} down)", short_duration(Seconds(*down)));
  }
  std::string load;
  if (const auto load1 = number_at(boot, "load1")) {
    load = fmt::format("load {:.2f}", *load1);
    if (const auto cores = number_at(boot, "cores"))
      load += fmt::format(" on {:.0f} cores", *cores);
  }
  const bool stopping = flag_at(boot, "shutting_down").value_or(false);
  return text +
         joined({booted, load, stopping ? painted("shutting down", Colour::warning, style) : ""}) +
         "\n";
}

std::string source_lines(const json& status, const Style& style) {
  std::string text;
  for (const json& source : list_at(status, "sources")) {
    if (flag_at(source, "up").value_or(false) || !flag_at(source, "in_use").value_or(true))
      continue;
    std::string line = text_or(source, "name") + " can't be read";
    const auto age = number_at(source, "age_seconds");
    line += age ? fmt::format(", last answer {} ago", short_duration(Seconds(*age)))
                : ", no answer since upkeep started";
    if (const auto error = text_at(source, "error")) line += ": " + printable(*error);
    text += painted(line, Colour::bad, style) + "\n";
  }
  return text;
}

Colour colour_of(const json& vm) {
  if (flag_at(vm, "latched").value_or(false)) return Colour::bad;
  const std::optional<bool> up = flag_at(vm, "up");
  if (up == true) return text_at(vm, "health") ? Colour::warning : Colour::good;
  if (!up) return Colour::warning;
  return text_at(vm, "wanted") == "up" ? Colour::bad : Colour::none;
}

Cell decision_cell(const json& subject) {
  const json& decision = value_at(subject, "decision");
  const bool latched = flag_at(subject, "latched").value_or(false);
  if (!decision.is_object()) return {latched ? "latched" : "", Colour::bad};
  const std::string verdict = text_or(decision, "verdict");
  Cell cell{text_or(decision, "text"), Colour::warning};
  if (verdict == "act") cell.colour = Colour::good;
  if (latched) cell = {"latched: " + cell.text, Colour::bad};
  return cell;
}

std::string vm_lines(const json& status, const Style& style) {
  const json& vms = value_at(status, "vms");
  if (!vms.is_array()) return {};
  if (vms.empty()) return "\nno VMs\n";
  Table table({"VM", "STATE", "WANTED", "DECISION"});
  for (const json& vm : vms) {
    std::string state = text_or(vm, "state");
    if (const auto health = text_at(vm, "health")) {
      state += ", " + *health;
    } else if (const auto reason = text_at(vm, "reason"); reason && *reason != "unknown") {
      state += fmt::format(" ({})", *reason);
    }
    std::string wanted = text_or(vm, "wanted");
    if (const auto authority = text_at(vm, "authority"); authority && *authority != "auto") {
      wanted += fmt::format(" ({})", *authority);
    }
    table.add({{text_or(vm, "name"), Colour::strong},
               {state, colour_of(vm)},
               {wanted},
               decision_cell(vm)});
  }
  return "\n" + table.text(style);
}

/// The cells of one volume seen from here and from one peer; `peer` may be null.
std::vector<Cell> peer_cells(const json& peer, const json& volume) {
  if (!peer.is_object()) return {{"-"}, {"-"}, {"-"}, {""}};
  const std::string connection = text_or(peer, "connection");
  std::string resync;
  std::string disk(kNotKnown);
  for (const json& device : list_at(peer, "devices")) {
    if (value_at(device, "volume") != volume) continue;
    disk = text_or(device, "disk");
    const std::string replication = text_or(device, "replication");
    std::vector<std::string> parts;
    if (replication != "Established" && replication != "Off") parts.push_back(replication);
    if (const auto done = number_at(device, "done_ratio")) {
      parts.push_back(fmt::format("{:.1f} %", *done * 100));
    }
    const auto missing = number_at(device, "out_of_sync_bytes");
    if (missing && *missing > 0) parts.push_back(bytes_text(*missing) + " out of sync");
    if (const auto eta = number_at(device, "eta_seconds")) {
      parts.push_back(short_duration(Seconds(*eta)) + " to go");
    }
    resync = fmt::format("{}", fmt::join(parts, ", "));
  }
  return {{text_or(peer, "name")},
          {connection, good_if(connection == "Connected")},
          {disk, good_if(disk == "UpToDate")},
          {resync, Colour::warning}};
}

void add_resource(Table& table, const json& resource) {
  const bool split = value_at(resource, "split_brain").is_object();
  add_replica_rows(table, resource, peer_cells,
                   split ? Cell{"SPLIT BRAIN", Colour::bad} : decision_cell(resource));
}

std::string drbd_lines(const json& status, const Style& style) {
  const json& drbd = value_at(status, "drbd");
  if (!flag_at(drbd, "in_use").value_or(false)) return {};
  std::string head = "DRBD " + text_or(drbd, "version", "");
  if (flag_at(drbd, "module_loaded") == false) head = "DRBD: the kernel module is not loaded";
  if (flag_at(drbd, "simulated").value_or(false)) head += " (simulated)";
  if (flag_at(drbd, "known") == false) head += " (can't be read; resources as last known)";
  const json& resources = value_at(drbd, "resources");
  if (!resources.is_array() || resources.empty()) return "\n" + head + ", no resources\n";
  Table table(
      {"RESOURCE", "ROLE", "DISK", "PEER", "CONNECTION", "PEER DISK", "RESYNC", "DECISION"});
  for (const json& resource : resources) add_resource(table, resource);
  return "\n" + head + "\n" + table.text(style);
}

/// What somebody said, as a sentence without its end.
std::string declared_words(const json& said) {
  const std::string what = text_or(said, "what");
  const std::string subject = text_or(said, "subject");
  if (what == "maintenance") return subject + " is in maintenance until it boots again";
  if (what == "paused") {
    const bool ends = text_at(said, "until").has_value();
    return fmt::format("{} is paused until {}", subject,
                       ends ? time_or(said, "until") : "it is resumed");
  }
  return subject +
         (what == "peer_dead" ? " is declared dead" : " may start once without its DRBD peer");
}

std::string declared_line(const json& said) {
  std::string line =
      fmt::format("{} ({}, {})", declared_words(said), text_or(said, "by"), time_or(said, "at"));
  if (const auto reason = text_at(said, "reason")) line += ": " + printable(*reason);
  return line;
}

std::string declared_lines(const json& status, const Style& style) {
  std::string text;
  for (const json& said : list_at(status, "declared")) {
    text += painted(declared_line(said), Colour::warning, style) + "\n";
  }
  return text.empty() ? text : "\n" + text;
}

/// The one that is under way; what is over is history.
std::string recovery_lines(const json& status, const Style& style) {
  const json& recovery = value_at(status, "recovery");
  if (!recovery.is_object() || value_at(recovery, "ended_at").is_string()) return {};
  return "\n" + painted(recovery_line(recovery), Colour::warning, style) + "\n";
}

std::string action_lines(const json& status, const Style& style) {
  std::string text;
  for (const json& action : list_at(status, "in_flight")) {
    std::string line =
        fmt::format("doing now: {} {}", text_or(action, "action"), text_or(action, "target"));
    if (const auto lasted = number_at(action, "for_seconds")) {
      line += fmt::format(" for {}", short_duration(Seconds(*lasted)));
    }
    text += painted(line, Colour::strong, style) + "\n";
  }
  return text.empty() ? text : "\n" + text;
}

Colour colour_of_entry(const std::string& kind, const std::string& text) {
  if (kind == "end")
    return text.find(" succeeded") != std::string::npos ? Colour::good : Colour::bad;
  if (kind == "boot") return Colour::strong;
  if (kind == "decision") return Colour::faint;
  return Colour::none;
}

}  // namespace

std::string render_status(const json& status, const Style& style) {
  return head_lines(status, style) + source_lines(status, style) + declared_lines(status, style) +
         vm_lines(status, style) + drbd_lines(status, style) + recovery_lines(status, style) +
         action_lines(status, style);
}

std::string render_history(const json& history, const Style& style) {
  const json& entries = value_at(history, "entries");
  if (!entries.is_array() || entries.empty()) return "nothing on record\n";
  Table table({"TIME", "TARGET", "KIND", "WHAT"});
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const std::string kind = text_or(*entry, "kind");
    const std::string text = text_or(*entry, "text");
    table.add({{time_or(*entry, "at"), Colour::faint},
               {text_or(*entry, "target", "node"), Colour::strong},
               {kind},
               {text, colour_of_entry(kind, text)}});
  }
  return table.text(style);
}

std::string render_why(const json& why, const Style& style) {
  std::string text = painted(text_or(why, "headline"), Colour::strong, style) + "\n";
  const auto list = [&](const char* key, std::string_view title) {
    const json& lines = value_at(why, key);
    if (!lines.is_array() || lines.empty()) return;
    text += fmt::format("\n{}", title);
    for (const json& line : lines) {
      if (line.is_string()) text += "  " + printable(line.get<std::string>()) + "\n";
    }
  };
  list("facts", "");
  list("commands", "What would change that:\n");
  return text;
}

}  // namespace upkeep::cli
