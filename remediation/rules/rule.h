#pragma once

#include <expected>
#include <string_view>
#include <vector>

#include "remediation/decision.h"
#include "remediation/sight.h"
#include "remediation/world.h"

namespace upkeep {

/// A problem the program knows, and its remedy. Both are pure; a reading that failed or is too
/// old yields no finding.
struct Rule {
  std::string_view name;  ///< A metric label and a journal field: never rename.
  Needs needs;
  std::vector<Finding> (*detect)(const World& world);
  /// The action that mends it, or why there is none (now).
  std::expected<Action, Held> (*remedy)(const Finding& finding, const World& world);
};

/// Every rule, in the order of reports.
[[nodiscard]] const std::vector<Rule>& all_rules();

}  // namespace upkeep
