#include "remediation/hold.h"

#include <array>

namespace upkeep {
namespace {

struct HoldWord {
  Hold hold;
  std::string_view word;
};

// In the order of the enum.
constexpr std::array kHoldWords{
    HoldWord{Hold::observing, "observing"},
    HoldWord{Hold::paused, "paused"},
    HoldWord{Hold::vm_busy, "vm_busy"},
    HoldWord{Hold::host_shutting_down, "host_shutting_down"},
    HoldWord{Hold::stale_libvirt, "stale_libvirt"},
    HoldWord{Hold::stale_drbd, "stale_drbd"},
    HoldWord{Hold::stale_peers, "stale_peers"},
    HoldWord{Hold::stale_node, "stale_node"},
    HoldWord{Hold::inventory_empty, "inventory_empty"},
    HoldWord{Hold::starting_up, "starting_up"},
    HoldWord{Hold::unconfirmed, "unconfirmed"},
    HoldWord{Hold::no_remedy, "no_remedy"},
    HoldWord{Hold::risk_not_allowed, "risk_not_allowed"},
    HoldWord{Hold::in_flight, "in_flight"},
    HoldWord{Hold::command_stuck, "command_stuck"},
    HoldWord{Hold::latched, "latched"},
    HoldWord{Hold::backing_off, "backing_off"},
    HoldWord{Hold::storm, "storm"},
    HoldWord{Hold::waits_for_tier, "waits_for_tier"},
    HoldWord{Hold::waits_for_vm, "waits_for_vm"},
    HoldWord{Hold::no_start_slot, "no_start_slot"},
    HoldWord{Hold::budget_spent, "budget_spent"},
    HoldWord{Hold::not_allowed_to_act, "not_allowed_to_act"},
    HoldWord{Hold::transient, "transient"},
    HoldWord{Hold::stopped_unobserved, "stopped_unobserved"},
    HoldWord{Hold::other_manager, "other_manager"},
    HoldWord{Hold::network_missing, "network_missing"},
    HoldWord{Hold::disk_missing, "disk_missing"},
    HoldWord{Hold::disk_unknown, "disk_unknown"},
    HoldWord{Hold::split_brain, "split_brain"},
    HoldWord{Hold::storage_not_up_to_date, "storage_not_up_to_date"},
    HoldWord{Hold::peer_not_connected, "peer_not_connected"},
    HoldWord{Hold::peer_primary, "peer_primary"},
    HoldWord{Hold::storage_unknown, "storage_unknown"},
    HoldWord{Hold::runs_elsewhere, "runs_elsewhere"},
    HoldWord{Hold::may_run_elsewhere, "may_run_elsewhere"},
    HoldWord{Hold::down_by_operator, "down_by_operator"},
    HoldWord{Hold::unsafe_adjust, "unsafe_adjust"},
    HoldWord{Hold::disconnected_by_operator, "disconnected_by_operator"},
    HoldWord{Hold::link_refused, "link_refused"},
    HoldWord{Hold::link_loss_unknown, "link_loss_unknown"},
    HoldWord{Hold::after_sb_policy, "after_sb_policy"},
    HoldWord{Hold::unsent_writes, "unsent_writes"},
    HoldWord{Hold::primary_here, "primary_here"},
    HoldWord{Hold::disk_unreadable, "disk_unreadable"},
    HoldWord{Hold::still_booting, "still_booting"},
    HoldWord{Hold::storage_not_healthy_yet, "storage_not_healthy_yet"},
    HoldWord{Hold::detached_by_operator, "detached_by_operator"},
    HoldWord{Hold::journal_failed, "journal_failed"},
    HoldWord{Hold::quorum_lost, "quorum_lost"},
    HoldWord{Hold::facts_changed, "facts_changed"},
};

consteval bool in_enum_order() {
  for (std::size_t i = 0; i < kHoldWords.size(); ++i) {
    if (static_cast<std::size_t>(kHoldWords[i].hold) != i) return false;
  }
  return kHoldWords.back().hold == Hold::facts_changed;
}
static_assert(in_enum_order(), "a Hold is missing here, or out of order");

}  // namespace

std::string_view to_string(Hold hold) { return kHoldWords[static_cast<std::size_t>(hold)].word; }

std::optional<Hold> to_hold(std::string_view word) {
  for (const HoldWord& entry : kHoldWords) {
    if (entry.word == word) return entry.hold;
  }
  return std::nullopt;
}

const std::vector<Hold>& all_holds() {
  static const std::vector<Hold> holds = [] {
    std::vector<Hold> list;
    list.reserve(kHoldWords.size());
    for (const HoldWord& entry : kHoldWords) list.push_back(entry.hold);
    return list;
  }();
  return holds;
}

bool stands_in_the_way(Hold hold) {
  switch (hold) {
    case Hold::network_missing:
    case Hold::disk_missing:
    case Hold::disk_unknown:
    case Hold::split_brain:
    case Hold::storage_not_up_to_date:
    case Hold::storage_unknown:
    case Hold::quorum_lost:
    case Hold::peer_not_connected:
    case Hold::peer_primary:
    case Hold::runs_elsewhere:
    case Hold::may_run_elsewhere: return true;
    default: return false;
  }
}

bool ends_soon(Hold hold) {
  switch (hold) {
    case Hold::starting_up:
    case Hold::unconfirmed:
    case Hold::in_flight:
    case Hold::waits_for_tier:
    case Hold::waits_for_vm:
    case Hold::no_start_slot: return true;
    default: return false;
  }
}

bool passes_by_itself(Hold hold) {
  switch (hold) {
    case Hold::vm_busy:
    case Hold::stale_libvirt:
    case Hold::stale_drbd:
    case Hold::stale_peers:
    case Hold::stale_node:
    case Hold::starting_up:
    case Hold::unconfirmed:
    case Hold::in_flight:
    case Hold::backing_off:
    case Hold::storm:
    case Hold::waits_for_tier:
    case Hold::waits_for_vm:
    case Hold::no_start_slot:
    case Hold::budget_spent:
    case Hold::still_booting:
    case Hold::storage_not_healthy_yet:
    case Hold::journal_failed:
    case Hold::facts_changed: return true;
    case Hold::observing:
    case Hold::paused:
    case Hold::host_shutting_down:
    case Hold::inventory_empty:
    case Hold::no_remedy:
    case Hold::risk_not_allowed:
    case Hold::command_stuck:
    case Hold::latched:
    case Hold::not_allowed_to_act:
    case Hold::transient:
    case Hold::stopped_unobserved:
    case Hold::other_manager:
    case Hold::network_missing:
    case Hold::disk_missing:
    case Hold::disk_unknown:
    case Hold::split_brain:
    case Hold::storage_not_up_to_date:
    case Hold::peer_not_connected:
    case Hold::peer_primary:
    case Hold::storage_unknown:
    case Hold::runs_elsewhere:
    case Hold::may_run_elsewhere:
    case Hold::down_by_operator:
    case Hold::unsafe_adjust:
    case Hold::disconnected_by_operator:
    case Hold::link_refused:
    case Hold::link_loss_unknown:
    case Hold::after_sb_policy:
    case Hold::unsent_writes:
    case Hold::primary_here:
    case Hold::disk_unreadable:
    case Hold::detached_by_operator:
    case Hold::quorum_lost: return false;
  }
  return false;
}

}  // namespace upkeep
