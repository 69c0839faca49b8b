#include "app/web/report.h"

#include <algorithm>

#include "app/daemon/snapshot_builder.h"
#include "remediation/boot_check.h"
#include "remediation/gates/tries.h"
#include "remediation/policy.h"
#include "remediation/rules/rules.h"
#include "remediation/sight.h"

namespace upkeep::web {
namespace {

TargetReport target_report(const Moment& moment, const Target& target) {
  TargetReport report;
  if (!moment.view) return report;
  for (const auto& decision : moment.view->decisions) {
    if (decision.finding.subject == target) report.decisions.push_back(&decision);
  }
  const auto tried = moment.view->history.targets.find(target);
  if (tried != moment.view->history.targets.end()) report.tried = &tried->second;
  return report;
}

void add_health(VmReport& report, const Moment& moment) {
  const World world{.snapshot = *moment.snapshot,
                    .policy = *moment.view->policy,
                    .history = moment.view->history,
                    .now = moment.now};
  report.trouble = health_trouble(*report.vm, world);
  if (!is_up(report.state) || moment.snapshot->health == nullptr) return;
  const auto checked = moment.snapshot->health->find(report.vm->uuid);
  if (checked == moment.snapshot->health->end() || checked->second.at == Tick{}) return;
  report.healthy = checked->second.healthy;
}

VmReport vm_report(const Moment& moment, const Vm& vm, bool current) {
  VmReport report{.vm = &vm,
                  .current = current,
                  .state = current ? vm.state : VmState::unknown,
                  .up = std::nullopt,
                  .wish = std::nullopt,
                  .intent = nullptr,
                  .healthy = std::nullopt,
                  .trouble = {},
                  .target = target_report(moment, target_of(vm.name))};
  if (report.state != VmState::unknown) report.up = is_up(report.state);
  if (!moment.view || !moment.view->policy) return report;
  const auto line = moment.view->history.intents.find(vm.uuid);
  if (line != moment.view->history.intents.end()) report.intent = &line->second;
  report.wish = wish_for(report.intent, policy_for(*moment.view->policy, vm.name));
  if (current) add_health(report, moment);
  return report;
}

std::optional<SplitBrainEvidence> split_brain_of(const DrbdResource& resource, bool current,
                                                 const Moment& moment) {
  if (current && resource.split_brain) return resource.split_brain;
  if (!moment.view) return std::nullopt;
  const auto known = moment.view->history.resources.find(resource.name);
  return known == moment.view->history.resources.end() ? std::nullopt : known->second.split_brain;
}

/// The wanted VMs that libvirt does not list, among the others.
void add_missing(Report& report, const Moment& moment) {
  if (!moment.view) return;
  for (const Decision& decision : moment.view->decisions) {
    if (decision.finding.rule != vm_missing_rule().name) continue;
    const VmName name{decision.finding.subject.name};
    const Intent* line = line_by_name(name, moment.view->history);
    if (line == nullptr) continue;
    auto vm = std::make_unique<Vm>();
    vm->name = name;
    vm->uuid = line->uuid;
    report.vms.push_back(vm_report(moment, *vm, false));
    report.missing.push_back(std::move(vm));
  }
  std::ranges::sort(report.vms, {}, [](const VmReport& one) { return one.vm->name; });
}

}  // namespace

Freshness Moment::freshness() const {
  return view && view->policy ? view->policy->freshness : Freshness{};
}

Report report_of(const Moment& moment) {
  const Snapshot& snapshot = *moment.snapshot;
  const Freshness freshness = moment.freshness();
  Report report;
  report.sources = source_statuses(snapshot, freshness, moment.now);

  // The snapshot and `known` keep the lists alive, and the moment both.
  const KnownVms vms = known_vms(snapshot, moment.known, freshness, moment.now);
  report.vms_known = vms.vms != nullptr;
  if (vms.vms) {
    for (const auto& vm : *vms.vms) report.vms.push_back(vm_report(moment, vm, vms.current));
    add_missing(report, moment);
  }

  if (!snapshot.drbd_in_use) return report;
  const KnownDrbd drbd = known_drbd(snapshot, moment.known, freshness, moment.now);
  report.drbd = drbd.drbd.get();
  report.drbd_current = drbd.current;
  if (!drbd.drbd) return report;
  for (const auto& resource : drbd.drbd->resources) {
    report.resources.push_back({.resource = &resource,
                                .split_brain = split_brain_of(resource, drbd.current, moment),
                                .target = target_report(moment, target_of(resource.name))});
  }
  return report;
}

bool is_ready(const Moment& moment) { return moment.view && all_read(*moment.snapshot); }

bool needs_a_look(const VmReport& vm) {
  const bool missing = vm.wish && vm.wish->keep == Keep::up && vm.up != true;
  const bool latched = vm.target.tried != nullptr && given_up_since(*vm.target.tried).has_value();
  return missing || latched || !vm.trouble.empty() || !vm.target.decisions.empty();
}

std::string trouble_of(const SourceStatus& source) {
  if (source.up) return {};
  return source.error ? source.error->message : "its last answer is too old";
}

}  // namespace upkeep::web
