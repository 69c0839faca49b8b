#include "tests/support/lone_survivor.h"

#include <chrono>

namespace upkeep::test {
namespace {

constexpr int kOneIn = 20;

void say(TestWorld& world, Standing::Kind kind, const std::string& subject) {
  world.history.standings[{kind, subject}] = {
      .kind = kind, .subject = subject, .by = "anna", .reason = "", .at = kWall};
}

}  // namespace

void draw_lone_survivor(Random& random, TestWorld& world) {
  if (random.below(kOneIn) != 0 || !world.snapshot.drbd.reading || !world.snapshot.vms.reading) {
    return;
  }
  const bool proven = random.percent(80);
  DrbdResource resource = a_resource("r0", 0).peer_gone();
  resource.devices.front().crashed_primary = proven;
  world.with(a_vm("web1").off().on_drbd(0)).with(resource);
  world.wanted("web1", StopCause::node_down).confirmed("vm_down", vm_target("web1"));
  world.tried(vm_target("web1")) = {};
  world.tried(target_of(resource.name)) = {};
  ResourceHistory& known = world.history.resources[resource.name];
  known = {};
  known.seen_up = true;
  world.history.progress[resource.name].unconnected_since[resource.peers.front().node_id] =
      world.now - std::chrono::minutes(20);
  if (random.percent(70)) say(world, Standing::Kind::peer_dead, "node2");
  if (random.percent(20)) say(world, Standing::Kind::allow_degraded, uuid_of("web1"));
}

}  // namespace upkeep::test
