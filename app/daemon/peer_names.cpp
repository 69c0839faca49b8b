#include "app/daemon/peer_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "exporter/model/node_names.h"

namespace upkeep {
namespace {

bool is_any_of(const NodeName& name, const auto& names) {
  return std::ranges::any_of(names, [&](const NodeName& one) { return is_name_of(one, name); });
}

}  // namespace

std::optional<std::string> peer_name_doubt(const std::vector<NodeName>& configured,
                                           const std::set<NodeName>& drbd) {
  std::set<std::string> only_configured;
  std::set<std::string> only_drbd;
  for (const NodeName& name : configured) {
    if (!is_any_of(name, drbd)) only_configured.insert(name.value);
  }
  for (const NodeName& name : drbd) {
    if (counterpart(name, configured, drbd) != nullptr) continue;
    if (const NodeName* shared = only_one_called(name, configured)) {
      return fmt::format(
          "[[peer]] {} may be more than one of DRBD's peers: none of them can be declared dead for "
          "its resources",
          shared->value);
    }
    if (is_any_of(name, configured)) {
      return fmt::format(
          "DRBD's {} may be more than one [[peer]]: none can be declared dead for its resources",
          name.value);
    }
    only_drbd.insert(name.value);
  }
  if (only_configured.empty() || only_drbd.empty()) return std::nullopt;
  return fmt::format(
      "DRBD has no peer named like [[peer]] {}, and no [[peer]] is named like its {}: if one is "
      "the other, what upkeep hears from it is not used for its resources",
      fmt::join(only_configured, ", "), fmt::join(only_drbd, ", "));
}

}  // namespace upkeep
