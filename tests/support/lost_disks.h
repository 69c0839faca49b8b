#pragma once

#include "tests/support/random.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// Takes disks from running VMs of the world, some by a loss that was seen, and puts on record what
/// was seen and tried about it.
void draw_lost_disks(Random& random, TestWorld& world);

}  // namespace upkeep::test
