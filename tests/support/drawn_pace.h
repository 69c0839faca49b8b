#pragma once

#include "tests/support/random.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// Draws what the gates look at that see all VMs at once: storms, tiers, slots, checks, the budget.
void draw_pace(Random& random, TestWorld& world);

}  // namespace upkeep::test
