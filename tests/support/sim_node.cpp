// What the simulated upkeep sees, remembers and does. What happens around it is in sim_world.cpp.
#include "tests/support/sim_node.h"

#include <algorithm>
#include <set>

#include "remediation/rules/rule.h"
#include "remediation/sight.h"
#include "tests/support/plan_auditor.h"

namespace upkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string resource_name(std::uint32_t minor) { return "r" + std::to_string(minor); }

}  // namespace

void SimNode::step(Duration by, bool faults) {
  faults_ = faults;
  world_.now += by;
  world_.snapshot.at = world_.now;
  world_.snapshot.wall += std::chrono::duration_cast<WallTime::duration>(by);
  if (faults) {
    happen();
  } else {
    heal();
  }
  finish_actions();
  keep_link_books();
  read_sources();
  observe();
  remember_health();
  watch_problems();
  decide();
}

void SimNode::tell(const std::string& name, VmEventKind kind) {
  Guest& guest = guests_.at(name);
  guest.seen.reset();
  if (faults_ && random_.percent(10)) return;  // Lost.
  VmEvent event;
  event.uuid = {uuid_of(name)};
  event.name = {name};
  event.kind = kind;
  event.at = world_.now;
  event.wall = world_.snapshot.wall;
  Intent& line = world_.history.intents[event.uuid];
  const IntentContext context = context_of(name);
  line = after_event(line, event, context);
  const bool arriving = kind == VmEventKind::started && context.active_elsewhere;
  const bool start = kind == VmEventKind::started || kind == VmEventKind::resumed;
  guest.known_up = guest.known_up || (start && !arriving);
  guest.crash_told = kind == VmEventKind::stopped_failed || kind == VmEventKind::crashed;
}

IntentContext SimNode::context_of(const std::string& name) const {
  IntentContext context;
  context.boot = world_.history.boot;
  context.wall = world_.snapshot.wall;
  context.own_action = flights_.contains(vm_target(name));
  const Guest& guest = guests_.at(name);
  if (guest.minor && drbd_in_sight(world_.view()) != nullptr) {
    const auto* resource = find_resource(world_.snapshot, DeviceMinor{*guest.minor});
    context.active_elsewhere = resource != nullptr && !resource->peers.empty() &&
                               resource->peers.front().role == DrbdRole::primary;
  }
  return context;
}

void SimNode::read_vms() {
  Vms vms;
  for (const auto& [name, guest] : guests_) {
    VmBuilder vm = a_vm(name);
    if (guest.minor) vm.on_drbd(*guest.minor);
    if (!guest.up && guest.reason == VmReason::panicked) {
      vm.crashed();
    } else if (!guest.up) {
      vm.off(guest.reason);
    }
    vms.push_back(vm);
  }
  world_.snapshot.vms.reading = std::make_shared<const Vms>(std::move(vms));
  world_.snapshot.vms.at = world_.now;
}

void SimNode::read_drbd() {
  Drbd drbd;
  drbd.module_loaded = true;
  drbd.kernel_version = version_84_ ? "8.4.11" : "9.2.18";
  for (const auto& [minor, link] : links_) {
    ResourceBuilder resource = a_resource(resource_name(minor), minor);
    if (link.primary) resource.role(DrbdRole::primary);
    if (!link.connected) {
      resource.peer_gone();
    } else if (link.peer_primary) {
      resource.peer(DrbdConnection::connected, DrbdRole::primary);
    }
    if (!link.in_kernel) resource.down();
    drbd.resources.push_back(resource);
  }
  world_.snapshot.drbd.reading = std::make_shared<const Drbd>(std::move(drbd));
  world_.snapshot.drbd.at = world_.now;
}

void SimNode::read_sources() {
  if (!faults_ || random_.percent(92)) {
    read_vms();
  } else if (random_.percent(50)) {
    world_.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  }
  if (!faults_ || random_.percent(92)) {
    read_drbd();
  } else if (random_.percent(50)) {
    world_.snapshot.drbd.reading = fail(Errc::unavailable, "drbdsetup is gone");
  }
  world_.snapshot.node.reading->boot_id = world_.history.boot;
  world_.snapshot.node.at = world_.now;
}

void SimNode::observe() {
  History& history = world_.history;
  if (world_.snapshot.vms.reading && world_.snapshot.vms.at == world_.now) {
    for (const Vm& vm : **world_.snapshot.vms.reading) {
      Guest& guest = guests_.at(vm.name.value);
      const auto state = std::pair(vm.state, vm.reason);
      const bool settled = guest.seen == state;
      guest.seen = state;
      guest.known_up = guest.known_up || (settled && is_up(vm.state));
      const auto line = history.intents.find(vm.uuid);
      const Intent* known = line == history.intents.end() ? nullptr : &line->second;
      history.intents[vm.uuid] = after_observation(known, vm, settled, context_of(vm.name.value));
    }
  } else {
    for (auto& [name, guest] : guests_) guest.seen.reset();
  }
  for (auto& [name, guest] : guests_) {
    const bool shown = guest.seen && context_of(name).active_elsewhere;
    guest.looks_elsewhere = shown && !guest.up ? guest.looks_elsewhere + 1 : 0;
  }
  if (world_.snapshot.drbd.reading && world_.snapshot.drbd.at == world_.now) {
    for (const DrbdResource& resource : (*world_.snapshot.drbd.reading)->resources) {
      ResourceHistory& known = history.resources[resource.name];
      known = after_look(known, resource);
    }
  }
}

void SimNode::remember_health() {
  for (auto& [target, tried] : world_.history.targets) {
    const bool is_vm = target.kind == Target::Kind::vm;
    if (blindness({.vms = is_vm, .drbd = !is_vm}, world_.view())) continue;
    bool healthy = false;
    if (is_vm) {
      healthy = is_up(find_vm(world_.snapshot, VmName{target.name})->state);
    } else {
      healthy = is_brought_up(*find_resource(world_.snapshot, ResourceName{target.name}));
    }
    tried = after_look(tried, healthy, world_.policy.back_off, world_.now);
  }
}

void SimNode::watch_problems() {
  History& history = world_.history;
  std::set<std::pair<std::string, Target>> seen;
  for (const Rule& rule : all_rules()) {
    const bool blind = blindness(rule.needs, world_.view()).has_value();
    for (const Finding& finding : rule.detect(world_.view())) {
      const auto key = std::pair(std::string(rule.name), finding.subject);
      const auto known = history.problems.find(key);
      OpenProblem problem =
          after_sighting(known == history.problems.end() ? nullptr : &known->second,
                         seen_at(rule.needs, world_.snapshot), world_.now);
      const auto guest = guests_.find(finding.subject.name);
      if (guest != guests_.end() && guest->second.crash_told) problem.definite = true;
      history.problems[key] = problem;
      seen.insert(key);
    }
    std::erase_if(history.problems, [&](const auto& entry) {
      return entry.first.first == rule.name && !blind && !seen.contains(entry.first);
    });
  }
  const bool sees = vms_in_sight(world_.view()) && drbd_in_sight(world_.view());
  if (sees && !history.settled_at) history.settled_at = world_.now;
}

void SimNode::finish_actions() {
  std::vector<Target> ended;
  for (auto& [target, flight] : flights_) {
    TargetHistory& tried = world_.history.targets[target];
    if (world_.now < flight.ends) continue;
    if (faults_ && !flight.overdue && random_.percent(4) && !last_look(flight)) {
      flight.overdue = true;
      flight.ends += seconds(30 + random_.below(200));
      const Outcome late{.kind = Outcome::Kind::timed_out, .reason = "", .detail = ""};
      tried = after_deadline(tried, late, world_.now);
      continue;
    }
    const Outcome outcome = carry_out(flight);
    tried = after_end(tried, outcome, world_.policy.back_off, world_.now);
    if (!costs_attempt(outcome) && !books_[target].empty()) books_[target].pop_back();
    ended.push_back(target);
  }
  for (const Target& target : ended) flights_.erase(target);
}

void SimNode::decide() {
  const Plan plan = upkeep::plan(world_.view());
  for (std::string& fault : faults_of(plan, world_.view())) wrong("audit: " + fault);
  for (const Decision& decision : plan.decisions) {
    if (const auto hold = hold_of(decision)) ++counts_[std::string(to_string(*hold))];
    if (const auto* act = std::get_if<Act>(&decision.verdict)) begin(decision.finding, act->action);
  }
}

void SimNode::begin(const Finding& finding, const Action& action) {
  const Target target = target_of(action);
  if (flights_.contains(target)) wrong(to_string(target) + ": two actions at once");
  check_pace(target);
  ++counts_[std::string(name_of(action))];
  flights_[target] = {.finding = finding,
                      .action = action,
                      .chosen_with = world_.history,
                      .ends = world_.now + random_.seconds(20),
                      .overdue = false};
  TargetHistory& tried = world_.history.targets[target];
  tried = after_begin(tried, next_id_++, world_.now);
  books_[target].push_back(world_.now);
}

/// Five an hour, then one each half hour; gaps that double from 10 s to 300 s.
void SimNode::check_pace(const Target& target) {
  const std::vector<Tick>& attempts = books_[target];
  if (attempts.empty()) return;
  const Duration since = world_.now - attempts.back();
  const auto this_hour =
      std::ranges::count_if(attempts, [&](Tick at) { return world_.now - at < hours(1); });
  if (this_hour >= 5 && since < minutes(30)) wrong(to_string(target) + ": too many attempts");
  double gap = 10;
  for (std::size_t i = 1; i < attempts.size(); ++i) gap = std::min(gap * 2, 300.0);
  if (Seconds(since).count() < 0.75 * gap) wrong(to_string(target) + ": too soon");
  if (target.kind == Target::Kind::resource && this_hour >= 5) {
    wrong(to_string(target) + ": never gives up");
  }
}

}  // namespace upkeep::test
