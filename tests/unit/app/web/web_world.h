#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "app/web/report.h"
#include "tests/support/world.h"

namespace upkeep::web {

/// A world as the web shows it: node1, version 0.1.0, whatever a test puts into it.
struct WebWorld {
  test::TestWorld world;
  RemediationView view;
  LastKnown known;

  WebWorld() {
    Node node;
    node.boot_id = {"boot-1"};
    node.boot_time = test::kWall - std::chrono::hours(1);
    node.cores = 8;
    node.load1 = 0.5;
    world.snapshot.node = {node, test::kNow};
  }

  [[nodiscard]] Moment moment() {
    known = remembered(known, world.snapshot);
    view.history = world.history;
    view.policy = std::make_shared<const Policy>(world.policy);
    view.mode = world.policy.mode;
    view.at = world.now;
    view.wall = test::kWall;
    return {.identity = {.node = "node1",
                         .version = "0.1.0",
                         .revision = "abc",
                         .started = test::kWall - std::chrono::seconds(42)},
            .snapshot = std::make_shared<const Snapshot>(world.snapshot),
            .view = std::make_shared<const RemediationView>(view),
            .known = known,
            .now = world.now,
            .wall = test::kWall};
  }

  /// libvirt no longer answers; what it said last stays known.
  void lose_libvirt() {
    known = remembered(known, world.snapshot);
    world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  }
  void lose_drbd() {
    known = remembered(known, world.snapshot);
    world.snapshot.drbd.reading = fail(Errc::unavailable, "drbdsetup exited with 20");
  }

  void decide(Decision decision) { view.decisions.push_back(std::move(decision)); }
};

[[nodiscard]] inline Finding vm_down(const std::string& vm, Tick since) {
  return {.rule = "vm_down",
          .subject = test::vm_target(vm),
          .trigger = Trigger::event,
          .confirmed = true,
          .since = since,
          .detail = "crashed (panicked)"};
}

}  // namespace upkeep::web
