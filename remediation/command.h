#pragma once

#include <string>
#include <variant>

#include "remediation/action.h"
#include "remediation/intent.h"

namespace upkeep {

/// An operator's command, carried out in the loop.
struct MarkVm {
  VmName vm;
  Mark mark;
};
struct ReleaseTarget {
  Target target;
  std::string by;
};
using Command = std::variant<MarkVm, ReleaseTarget>;

}  // namespace upkeep
