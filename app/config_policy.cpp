// What the configuration means to the decisions.
#include "app/config.h"

namespace upkeep {

Policy to_policy(const Config& config) {
  Policy policy;
  policy.mode = config.mode;
  policy.allowed_risk = config.policy.allowed_risk;
  policy.back_off = config.policy.back_off;
  policy.startup_grace = config.policy.startup_grace;
  policy.start_deadline = config.policy.start_deadline;
  policy.bring_up_deadline = config.policy.bring_up_deadline;
  policy.guest_shutdown = config.policy.guest_shutdown;
  policy.pacing = config.policy.pacing;
  policy.storm = config.policy.storm;
  policy.tier_timeout = config.policy.tier_timeout;
  policy.actions_per_hour = config.policy.actions_per_hour;
  for (const VmConfig& vm : config.vms) {
    policy.vms.push_back({.match = vm.match,
                          .keep = vm.keep,
                          .act_on = vm.act_on,
                          .exclusive = vm.exclusive,
                          .guest_shutdown = vm.guest_shutdown.value_or(policy.guest_shutdown),
                          .keep_disks = vm.keep_disks,
                          .priority = vm.priority,
                          .after = vm.after,
                          .weight = vm.weight,
                          .health = vm.health,
                          .boot_timeout = vm.boot_timeout});
  }
  policy.allow_degraded_after = config.drbd.allow_degraded_after;
  policy.attach_on_primary = config.drbd.attach_on_primary;
  for (const PeerConfig& peer : config.peers) policy.peers.push_back(peer.name);
  policy.alerts = config.alerts;
  return policy;
}

}  // namespace upkeep
