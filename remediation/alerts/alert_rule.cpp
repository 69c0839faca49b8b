#include "remediation/alerts/alert_rule.h"

#include <algorithm>

namespace upkeep {

std::string_view label_of(const AlertLabels& labels, const std::string& name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

const AlertRule* alert_rule_for(const std::vector<AlertRule>& rules, const AlertLabels& labels) {
  const std::string_view name = label_of(labels, "alertname");
  const auto fits = [&](const AlertRule& rule) {
    return rule.alertname == name && std::ranges::all_of(rule.match, [&](const auto& wanted) {
             return label_of(labels, wanted.first) == wanted.second;
           });
  };
  const auto found = std::ranges::find_if(rules, fits);
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace upkeep
