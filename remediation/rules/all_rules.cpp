#include "remediation/rules/rules.h"

namespace upkeep {

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> rules{vm_down_rule(), drbd_down_rule(), drbd_standalone_rule(),
                                       drbd_split_brain_rule()};
  return rules;
}

}  // namespace upkeep
