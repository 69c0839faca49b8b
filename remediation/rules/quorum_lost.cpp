#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "quorum_lost";

std::vector<Finding> detect(const World& world) {
  return findings_about(kName, world, [](const DrbdResource& resource) -> std::string {
    if (!resource.quorum_configured.value_or(false)) return "";
    const bool lost = std::ranges::any_of(resource.devices, [](const DrbdDevice& device) {
      return device.quorum.has_value() && !*device.quorum;
    });
    return lost ? "without its quorum" : "";
  });
}

std::expected<Action, Held> remedy(const Finding& /*found*/, const World& /*world*/) {
  return std::unexpected(hold(Hold::no_remedy, "it comes back with the links to enough peers"));
}

}  // namespace

const Rule& quorum_lost_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
