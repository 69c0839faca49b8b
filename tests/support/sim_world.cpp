// What happens to the simulated node: guests, links, the peer, the power. What upkeep makes of it
// is in sim_node.cpp.
#include <algorithm>

#include "tests/support/sim_node.h"

namespace upkeep::test {
namespace {

using std::chrono::seconds;

std::string resource_name(std::uint32_t minor) { return "r" + std::to_string(minor); }

Outcome ended(Outcome::Kind kind) { return {.kind = kind, .reason = "", .detail = ""}; }

}  // namespace

SimNode::SimNode(std::uint64_t seed) : random_(seed), version_84_(random_.percent(50)) {
  world_.history.started = world_.now;
  world_.history.settled_at.reset();
  world_.history.jitter_seed = random_.next();
  for (std::uint32_t i = 1; i <= 4; ++i) {
    Guest guest;
    if (i <= 3) {
      guest.minor = i;
      links_[i].primary = true;
    }
    guest.up_since = world_.now;
    guests_["web" + std::to_string(i)] = guest;
  }
  step(seconds(1), false);  // What is never seen running is never wanted.
}

std::vector<std::string> SimNode::still_down() const {
  std::vector<std::string> names;
  for (const auto& [name, guest] : guests_) {
    if (guest.wanted && !guest.elsewhere && !guest.up) names.push_back(name);
  }
  return names;
}

SimNode::Link* SimNode::link_of(const Guest& guest) {
  return guest.minor ? &links_.at(*guest.minor) : nullptr;
}

void SimNode::happen() {
  for (const auto& [name, guest] : guests_) happen_to(name);
  for (const auto& [minor, link] : links_) {
    if (random_.percent(2)) cut_or_mend(minor);
  }
  if (random_.below(500) == 0) power_cut();
}

void SimNode::happen_to(const std::string& name) {
  Guest& guest = guests_.at(name);
  if (random_.percent(2)) guest.startable = random_.percent(50);
  // A command that hangs has had its last look: nothing of ours could know what comes after it.
  const auto flight = flights_.find(vm_target(name));
  if (flight != flights_.end() && flight->second.overdue) return;
  if (guest.up && random_.below(60) == 0) {
    const bool preserved = random_.percent(30);
    stop(name, preserved ? VmReason::panicked : VmReason::crashed,
         {preserved ? VmEventKind::crashed : VmEventKind::stopped_failed});
  } else if (guest.up && guest.known_up && random_.below(150) == 0) {
    guest.wanted = false;
    if (random_.percent(50)) {
      stop(name, VmReason::destroyed, {VmEventKind::shutdown_host, VmEventKind::stopped_destroyed});
    } else {
      stop(name, VmReason::shutdown, {VmEventKind::shutdown_guest, VmEventKind::stopped_shutdown});
    }
  } else if (!guest.up && !guest.elsewhere && random_.below(guest.wanted ? 300 : 40) == 0) {
    start_by_hand(name);
  } else if (!guest.up && guest.minor && !guest.elsewhere && random_.below(80) == 0) {
    take_over(name);
  } else if (guest.elsewhere && random_.below(60) == 0) {
    give_back(name);
  }
}

/// A person starts it, who takes longer than a look: what goes down and up between two looks was
/// never down.
void SimNode::start_by_hand(const std::string& name) {
  const Guest& guest = guests_.at(name);
  if (!guest.seen || !is_down(guest.seen->first)) return;
  const Link* link = link_of(guest);
  if (link == nullptr || (link->in_kernel && !link->peer_primary)) went_up(name);
}

/// A start that nobody was told of, nor saw for long enough, is no reason to want it.
void SimNode::forget_unseen_start(const std::string& name) {
  Guest& guest = guests_.at(name);
  if (!guest.up || guest.known_up) return;
  guest.wanted = guest.wanted && world_.history.intents[VmUuid{uuid_of(name)}].wanted;
}

void SimNode::stop(const std::string& name, VmReason reason, std::vector<VmEventKind> events) {
  Guest& guest = guests_.at(name);
  const Target target = vm_target(name);
  const bool stable = guest.up_since && world_.now - *guest.up_since >= seconds(600);
  if (stable) books_[target].clear();
  forget_unseen_start(name);
  guest.up = false;
  guest.up_since.reset();
  guest.reason = reason;
  // DRBD 9 demotes when the last opener is gone; on 8.4 nobody does. A preserved guest holds on.
  Link* link = link_of(guest);
  if (link != nullptr && !version_84_ && reason != VmReason::panicked) link->primary = false;
  for (const VmEventKind event : events) tell(name, event);
}

void SimNode::went_up(const std::string& name) {
  Guest& guest = guests_.at(name);
  guest.up = true;
  guest.wanted = true;
  guest.reason = VmReason::booted;
  guest.up_since = world_.now;
  guest.known_up = false;
  if (Link* link = link_of(guest)) link->primary = true;
  tell(name, VmEventKind::resumed);
  tell(name, VmEventKind::started);
}

/// The peer starts it, because it is off here. DRBD allows that only while this side is Secondary;
/// a person would not do it to a side that wrote last.
void SimNode::take_over(const std::string& name) {
  Guest& guest = guests_.at(name);
  Link* link = link_of(guest);
  if (link->primary || link->alone) return;
  // While a start is under way, only where the last look can see it.
  if (flights_.contains(vm_target(name)) && !link->connected) return;
  guest.elsewhere = true;
  guest.wanted = false;
  link->peer_primary = true;
  ++counts_["takeover"];
}

/// The peer stops it again, once this side knows that it was there.
void SimNode::give_back(const std::string& name) {
  Guest& guest = guests_.at(name);
  Link* link = link_of(guest);
  // Nobody moves a guest there and back within the life of one ticket.
  if (guest.looks_elsewhere < 3 || flights_.contains(vm_target(name))) return;
  guest.looks_elsewhere = 0;
  guest.elsewhere = false;
  link->peer_primary = false;
  if (link->in_kernel && random_.percent(50)) went_up(name);
}

void SimNode::connect(std::uint32_t minor) {
  links_.at(minor).connected = true;
  DrbdEvent event;
  event.kind = DrbdEvent::Kind::connection_changed;
  event.resource = {resource_name(minor)};
  event.to = "Connected";
  ResourceHistory& known = world_.history.resources[event.resource];
  known = after_event(known, event);
}

void SimNode::cut_or_mend(std::uint32_t minor) {
  Link& link = links_.at(minor);
  if (!link.in_kernel) return;
  if (link.connected) {
    link.connected = false;
  } else {
    connect(minor);
  }
}

void SimNode::keep_link_books() {
  for (auto& [minor, link] : links_) {
    if (link.connected) {
      link.alone = false;
    } else if (link.primary) {
      link.alone = true;
    }
  }
}

/// Everything stops; the ledger survives; the peer may help itself while this node is dark.
void SimNode::power_cut() {
  ++counts_["power_cut"];
  flights_.clear();
  books_.clear();
  for (auto& [minor, link] : links_) {
    link = {.in_kernel = false,
            .connected = false,
            .primary = false,
            .peer_primary = link.peer_primary,
            .alone = false};
  }
  for (auto& [name, guest] : guests_) {
    forget_unseen_start(name);
    guest.up = false;
    guest.up_since.reset();
    guest.reason = VmReason::unknown;
    guest.seen.reset();
    guest.crash_told = false;
    // A stop that nobody was told of before the lights went out is forgotten, as it must be.
    const Intent& line = world_.history.intents[VmUuid{uuid_of(name)}];
    if (!guest.elsewhere && line.last_stop == StopCause::none) guest.wanted = true;
    if (guest.minor && !guest.elsewhere && random_.percent(20)) take_over(name);
  }
  world_.now += seconds(60 + random_.below(600));
  History& history = world_.history;
  history.boot = {"boot-" + std::to_string(++boots_)};
  history.started = world_.now;
  history.settled_at.reset();
  history.resources.clear();
  history.problems.clear();
  history.targets.clear();
}

void SimNode::heal() {
  for (auto& [name, guest] : guests_) guest.startable = true;
  for (auto& [minor, link] : links_) {
    if (link.in_kernel && !link.connected) connect(minor);
  }
  // Latched bring-ups wait for a person's release.
  for (auto& [target, tried] : world_.history.targets) {
    if (target.kind != Target::Kind::resource || !tried.latched_since) continue;
    tried = released(tried);
    books_[target].clear();
  }
}

/// Facts read again, past every cache and silence, right before the effect.
std::optional<Outcome> SimNode::last_look(const Flight& flight) {
  const Snapshot before = world_.snapshot;
  read_vms();
  read_drbd();
  const World facts{world_.snapshot, world_.policy, flight.chosen_with, world_.now};
  const auto held = judge_again(flight.finding, flight.action, facts);
  world_.snapshot = before;
  if (!held) return std::nullopt;
  ++counts_["last look: " + std::string(to_string(held->reason))];
  return ended(held->reason == Hold::facts_changed ? Outcome::Kind::conflict
                                                   : Outcome::Kind::refused);
}

Outcome SimNode::start(const StartVm& start) {
  const std::string& name = start.vm.value;
  Guest& guest = guests_.at(name);
  Link* link = link_of(guest);
  if (guest.up) wrong(name + ": starts what runs");
  if (!guest.wanted) wrong(name + ": starts what nobody wants here");
  if (guest.elsewhere) wrong(name + ": starts what runs elsewhere");
  if (link != nullptr && !link->in_kernel) wrong(name + ": starts without its disk");
  const bool needs_promotion = link != nullptr && version_84_ && !link->primary;
  if (needs_promotion && start.promote.empty()) wrong(name + ": starts on a Secondary");
  if (start.destroy_first) tell(name, VmEventKind::stopped_destroyed);
  if (!guest.startable || (faults_ && random_.percent(10))) {
    guest.reason = VmReason::failed;
    return ended(Outcome::Kind::failed);
  }
  went_up(name);
  return ended(Outcome::Kind::succeeded);
}

Outcome SimNode::bring_up(const BringUpResource& bring_up) {
  for (auto& [minor, link] : links_) {
    if (resource_name(minor) != bring_up.resource.value) continue;
    if (link.in_kernel) wrong(bring_up.resource.value + ": brings up what is up");
    if (faults_ && random_.percent(40)) return ended(Outcome::Kind::failed);
    link.in_kernel = true;
    if (!faults_ || random_.percent(70)) connect(minor);
  }
  return ended(Outcome::Kind::succeeded);
}

Outcome SimNode::carry_out(const Flight& flight) {
  if (faults_ && random_.percent(5)) return ended(Outcome::Kind::refused);
  if (const auto outcome = last_look(flight)) return *outcome;
  if (const auto* one = std::get_if<StartVm>(&flight.action)) return start(*one);
  if (const auto* one = std::get_if<BringUpResource>(&flight.action)) return bring_up(*one);
  wrong(std::string(name_of(flight.action)) + ": nothing in this world needs that");
  return ended(Outcome::Kind::failed);
}

}  // namespace upkeep::test
