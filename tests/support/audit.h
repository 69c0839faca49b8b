#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "remediation/plan.h"

namespace upkeep::test {

/// Jitter leaves a window in which acting and waiting are both right.
enum class Must { act, wait, either };

/// One audit of one plan; the parts of `faults_of`.
class Audit {
 public:
  explicit Audit(const World& world);
  [[nodiscard]] std::vector<std::string> faults(const Plan& plan);

 private:
  using Uses = std::set<std::string>;

  void find_users();
  void check_shape(const Plan& plan);
  void check_findings(const Plan& plan);
  void check_stuck_monitors(const Plan& plan);
  void check_decision(const Decision& decision);
  void check_storm(const Plan& plan);
  void check_order(const Plan& plan);
  void check_slots(const Plan& plan);
  void check_budget(const Plan& plan);
  void check_action(const Decision& decision, const Action& action);
  void check_mending(const std::string& name, const Action& action);
  void check_reset(const std::string& name, const ResetVm& reset);
  bool wanted(const std::string& name, const std::string& uuid) const;
  bool ignored(const Vm& one) const;
  bool recovers_by_start(const Vm& vm, const OpenProblem* problem) const;
  bool recovers_by_adjust(const DrbdResource& resource) const;
  bool is_cut_short(const DrbdResource& resource) const;
  Must expect(const Decision& decision) const;
  Must pacing(const Target& target) const;
  bool paused(const Target& target) const;
  bool general_gates_open(const Finding& finding) const;
  const Vm* vm(const std::string& name) const;
  bool is_done_below(const Target& target, const TargetHistory& tried) const;
  const DrbdResource* resource(const std::string& name) const;
  void fault(std::string text) { faults_.push_back(std::move(text)); }

  const World& world_;
  const Vms* vms_ = nullptr;
  const Drbd* drbd_ = nullptr;
  std::map<std::string, Uses> uses_;  // VM → the resources under it.
  std::set<Target> taken_;
  std::vector<std::string> faults_;
};

/// What the `[[vm]]` block that applies says. Random worlds use three patterns only; reading them
/// takes no glob.
struct Block {
  Keep keep = Keep::automatic;
  bool only_alerts = false;
};
[[nodiscard]] Block block_of(const std::string& vm, const Policy& policy);

}  // namespace upkeep::test
