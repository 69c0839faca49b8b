#include "tests/support/drawn_pace.h"

#include <algorithm>
#include <memory>
#include <string>

namespace upkeep::test {
namespace {

void draw_blocks(Random& random, TestWorld& world) {
  if (!world.policy.vms.empty()) {
    world.policy.vms.front().priority = static_cast<int>(random.below(2));
    return;
  }
  for (int i = 1; i <= 4; ++i) {
    VmPolicy block{.match = "web" + std::to_string(i)};
    block.priority = static_cast<int>(random.below(3));
    block.weight = static_cast<int>(1 + random.below(3));
    if (random.percent(20)) block.health.kind = HealthCheck::Kind::agent;
    // Only those of smaller numbers, so that nobody waits in a circle.
    if (i > 1 && random.percent(40)) {
      block.priority = world.policy.vms.back().priority;
      block.after = {{"web" + std::to_string(i - 1)}};
    }
    world.policy.vms.push_back(std::move(block));
  }
}

void draw_health(Random& random, TestWorld& world) {
  auto health = std::make_shared<VmHealths>();
  for (int i = 1; i <= 4; ++i) {
    if (random.percent(50)) continue;
    VmHealth& line = (*health)[VmUuid{uuid_of("web" + std::to_string(i))}];
    line.at = world.now;
    line.healthy = random.percent(50);
    if (random.percent(50)) line.verified = world.now - random.seconds(100);
  }
  world.snapshot.health = std::move(health);
}

/// Disks that are busy, and a VM that was started just now.
void draw_strain(Random& random, TestWorld& world) {
  if (!world.snapshot.node.reading || !world.snapshot.vms.reading) return;
  world.snapshot.node.reading->pressure.io_full = 0.1 * static_cast<double>(random.below(10));
  const std::string name = "web" + std::to_string(1 + random.below(3));
  if (find_vm(world.snapshot, VmName{name}) == nullptr) return;
  world.with(a_vm(name));
  world.tried(vm_target(name)).attempts = {world.now - random.seconds(20)};
  world.policy.pacing.slots = static_cast<int>(1 + random.below(3));
}

}  // namespace

void draw_pace(Random& random, TestWorld& world) {
  if (random.percent(50)) draw_blocks(random, world);
  if (random.percent(50)) draw_health(random, world);
  if (random.percent(30)) world.policy.pacing.slots = static_cast<int>(1 + random.below(3));
  if (random.percent(30)) draw_strain(random, world);
  if (random.percent(6)) world.history.storm.until = world.now + random.seconds(300);
  if (random.percent(3)) world.history.storm.until = world.now - random.seconds(300);
  if (random.percent(80)) return;
  const std::size_t spent = 17 + random.below(5);
  for (std::size_t i = 0; i < spent; ++i) {
    auto& entry = world.history.budget.spent[static_cast<std::int64_t>(i)];
    entry.begun = world.now - random.seconds(3700);
    if (random.percent(10)) entry.recovery = 1;
  }
  if (random.percent(20)) world.history.recovery = 1 + static_cast<std::int64_t>(random.below(2));
}

}  // namespace upkeep::test
