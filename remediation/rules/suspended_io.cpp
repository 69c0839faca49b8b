#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "remediation/rules/finding.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep {
namespace {

constexpr std::string_view kName = "suspended_io";

std::vector<Finding> detect(const World& world) {
  return findings_about(kName, world, [](const DrbdResource& resource) -> std::string {
    if (resource.suspended.empty() || resource.suspended == "no") return "";
    return fmt::format("holding back its I/O ({})", resource.suspended);
  });
}

std::expected<Action, Held> remedy(const Finding& /*found*/, const World& /*world*/) {
  return std::unexpected(
      hold(Hold::no_remedy,
           "what was written may be lost or doubled by resuming blindly: no-data "
           "ends with a disk or a peer that has data, quorum with the links, "
           "fencing with the fence-peer handler, user with whoever suspended "
           "it"));
}

}  // namespace

const Rule& suspended_io_rule() {
  static constexpr Rule rule{
      .name = kName, .needs = {.vms = false, .drbd = true}, .detect = detect, .remedy = remedy};
  return rule;
}

}  // namespace upkeep
