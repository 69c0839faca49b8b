#pragma once

#include <utility>
#include <vector>

#include "remediation/intent.h"
#include "tests/support/world.h"

namespace upkeep::test {

inline constexpr WallTime kEventWall = kWall + std::chrono::seconds(7);

[[nodiscard]] inline IntentContext in_boot(const std::string& boot = "boot-1") {
  IntentContext context;
  context.boot = {boot};
  context.wall = kWall;
  return context;
}

/// web1, seen running in boot-1.
[[nodiscard]] inline Intent running_line() {
  Intent line;
  line.uuid = {uuid_of("web1")};
  line.name = {"web1"};
  line.wanted = true;
  line.last_stop = StopCause::none;
  line.boot = {"boot-1"};
  return line;
}

[[nodiscard]] inline Intent off_line(bool wanted, StopCause cause) {
  Intent line = running_line();
  line.wanted = wanted;
  line.last_stop = cause;
  return line;
}

[[nodiscard]] inline VmEvent event(VmEventKind kind) {
  VmEvent one;
  one.uuid = {uuid_of("web1")};
  one.name = {"web1"};
  one.kind = kind;
  one.wall = kEventWall;
  return one;
}

[[nodiscard]] inline Intent after_events(Intent line, const std::vector<VmEventKind>& kinds,
                                         const IntentContext& context = in_boot()) {
  for (const VmEventKind kind : kinds) line = after_event(std::move(line), event(kind), context);
  return line;
}

/// Two looks with no event in between.
[[nodiscard]] inline Intent seen_twice(const Intent& line, const Vm& vm,
                                       const IntentContext& context = in_boot()) {
  const Intent once = after_observation(&line, vm, false, context);
  return after_observation(&once, vm, true, context);
}

}  // namespace upkeep::test
