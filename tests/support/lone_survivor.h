#pragma once

#include "tests/support/random.h"
#include "tests/support/world.h"

namespace upkeep::test {

/// Turns some worlds into the one after a power cut from which only this node returned: web1 last
/// ran here, its copy says so, the peer is silent, and a person may have said that it is dead.
void draw_lone_survivor(Random& random, TestWorld& world);

}  // namespace upkeep::test
