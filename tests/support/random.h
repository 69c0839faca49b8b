#pragma once

#include "simulation/random.h"

namespace upkeep::test {

using simulation::Random;

}  // namespace upkeep::test
