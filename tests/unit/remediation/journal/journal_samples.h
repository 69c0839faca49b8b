#pragma once

#include <chrono>
#include <string>

#include "remediation/journal.h"

namespace upkeep::test {

inline WallTime wall_at(std::int64_t seconds, std::int64_t micros = 0) {
  return WallTime(std::chrono::seconds(1'760'000'000 + seconds) +
                  std::chrono::microseconds(micros));
}

inline Intent sample_intent(const std::string& name, bool wanted, StopCause cause) {
  return {.uuid = {"uuid-" + name},
          .name = {name},
          .wanted = wanted,
          .last_stop = cause,
          .last_stop_detail = "event stopped_crashed",
          .remains = Remains::nothing,
          .changed = wall_at(5),
          .boot = {"boot-1"},
          .mark = std::nullopt,
          .shutdown_seen = std::nullopt};
}

inline TargetRecord sample_target(const std::string& name, int attempts) {
  TargetRecord record;
  record.target = target_of(VmName{name});
  for (int i = 0; i < attempts; ++i) record.attempts.push_back(wall_at(i, 7));
  record.in_row = attempts;
  return record;
}

inline ActionRecord sample_start(const std::string& name, WallTime begun) {
  return {.id = 0,
          .action = StartVm{.vm = {name},
                            .uuid = {"uuid-" + name},
                            .destroy_first = true,
                            .promote = {{"r0"}, {"r1"}}},
          .rule = "vm_down",
          .trigger = Trigger::event,
          .attempt = 2,
          .begun = begun,
          .ended = std::nullopt,
          .outcome = std::nullopt};
}

inline AlertRecord sample_alert(const std::string& alertname, WallTime starts_at) {
  AlertRecord alert;
  alert.key = {
      .fingerprint = "aabfade6f6ae7dfa", .starts_at = starts_at, .action = AlertAction::restart_vm};
  alert.alertname = alertname;
  alert.target = target_of(VmName{"web1"});
  alert.received = wall_at(7, 5);
  // Each by its own row.
  alert.key.fingerprint.replace(0, 1, 1, static_cast<char>('a' + (alertname.size() % 6)));
  return alert;
}

}  // namespace upkeep::test
