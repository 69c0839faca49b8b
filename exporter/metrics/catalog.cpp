#include "exporter/metrics/catalog.h"

#include <algorithm>

namespace upkeep {

std::span<const MetricSection> metric_catalog() { return catalog::kSections; }

std::vector<std::string> label_names(const MetricFamily& family) {
  constexpr std::string_view kBetween = ", ";
  std::vector<std::string> names;
  std::string_view rest = family.labels;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(kBetween));
    names.emplace_back(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + kBetween.size()));
  }
  return names;
}

}  // namespace upkeep
