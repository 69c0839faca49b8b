#pragma once

#include "tests/support/random.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// A world of a few VMs, DRBD resources and peers in which everything that decisions look at is
/// drawn at random; each part is most often well, so that some worlds allow actions.
[[nodiscard]] TestWorld random_world(Random& random);

/// QEMU's monitors have waited for nothing, some time or long, or nobody knows.
void draw_monitors(Random& random, TestWorld& world);

/// The same world, its lists in another order.
[[nodiscard]] TestWorld shuffled(TestWorld world, Random& random);

}  // namespace upkeep::test
