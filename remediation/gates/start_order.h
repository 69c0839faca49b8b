#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "remediation/decision.h"
#include "remediation/world.h"

namespace upkeep {

/// DESIGN §6 gate 10 within one plan: who is started before whom. A VM waits for those of earlier
/// tiers and for those of its `after` list as long as they are on their way to healthy, and at most
/// `tier_timeout`; one that is held, latched or paused keeps nobody waiting.
class StartOrder {
 public:
  explicit StartOrder(const World& world);

  /// Puts the findings about VMs into the order in which they are to be judged, which makes what a
  /// VM waits for be judged before it.
  void sort(std::vector<Finding>& findings) const;
  /// What was decided about a VM that is down: `is_coming` says that nothing but time keeps it off.
  void judged(const Target& subject, bool is_coming);
  [[nodiscard]] std::optional<Held> hold_for(const Finding& finding) const;

 private:
  struct Member {
    VmName name;
    int priority = 0;
    std::vector<VmName> after;
    std::size_t depth = 0;  ///< How many VMs it waits for, one after another.
    bool coming = false;
  };

  [[nodiscard]] const Member* find(const VmName& name) const;
  [[nodiscard]] std::size_t depth_of(const Member& member, std::size_t left) const;

  const World& world_;
  std::vector<Member> members_;  ///< The wanted VMs that libvirt lists, by name.
};

}  // namespace upkeep
