#include "tests/support/lost_disks.h"

#include <memory>
#include <string>
#include <utility>

namespace upkeep::test {
namespace {

void draw_standing(Random& random, TestWorld& world, const std::string& disk) {
  if (!random.percent(80)) return;
  const Standing lost{.kind = Standing::Kind::disk_lost,
                      .subject = disk,
                      .by = "",
                      .reason = "dropped, missing at start",
                      .at = kWall};
  world.history.standings[key_of(lost)] = lost;
}

void draw_tries(Random& random, TestWorld& world, const Target& target) {
  OpenProblem& problem = world.history.problems[{"vm_disk_missing", target}];
  problem.observations = static_cast<int>(random.pick<std::size_t>({1, 2, 2, 3}));
  problem.since = world.now - random.seconds(50);
  if (!random.percent(25)) return;
  auto& tries = world.tried(target).tries["reattach_disk"].at;
  for (std::size_t i = 0; i < 1 + random.below(3); ++i) {
    tries.insert(tries.begin(), world.now - std::chrono::minutes(5 + 10 * i));
  }
}

}  // namespace

void draw_lost_disks(Random& random, TestWorld& world) {
  for (VmPolicy& block : world.policy.vms) block.keep_disks = random.percent(30);
  if (!world.snapshot.vms.reading) return;
  Vms vms = **world.snapshot.vms.reading;
  for (Vm& vm : vms) {
    if (vm.state != VmState::running) continue;
    for (VmDisk& disk : vm.disks) {
      // Else it isn't known.
      if (random.percent(80)) disk.attached = random.percent(40);
      draw_standing(random, world, vm.uuid.value + "/" + disk.target.value);
    }
    draw_tries(random, world, target_of(vm.name));
  }
  world.snapshot.vms.reading = std::make_shared<const Vms>(std::move(vms));
}

}  // namespace upkeep::test
