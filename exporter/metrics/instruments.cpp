#include "exporter/metrics/instruments.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

#include "exporter/metrics/instrument_set.h"

namespace upkeep {
namespace {

using Counters = InstrumentSet<prometheus::Counter>;
using Gauges = InstrumentSet<prometheus::Gauge>;
using Histograms = InstrumentSet<prometheus::Histogram>;

void count(Counters& counters, const Counters::Values& values) {
  counters.with(values, [](prometheus::Counter& counter) { counter.Increment(); });
}

void observe(Histograms& histograms, const Histograms::Values& values, Duration took) {
  const double seconds = std::chrono::duration_cast<Seconds>(took).count();
  histograms.with(values, [&](prometheus::Histogram& histogram) { histogram.Observe(seconds); });
}

/// The changes that libvirt's states make likely; they exist at 0 for each VM.
constexpr std::array kUsualTransitions{
    std::pair{VmState::running, VmReason::booted},
    std::pair{VmState::running, VmReason::unpaused},
    std::pair{VmState::running, VmReason::migrated},
    std::pair{VmState::running, VmReason::restored},
    std::pair{VmState::paused, VmReason::user},
    std::pair{VmState::paused, VmReason::io_error},
    std::pair{VmState::shut_off, VmReason::shutdown},
    std::pair{VmState::shut_off, VmReason::destroyed},
    std::pair{VmState::shut_off, VmReason::crashed},
    std::pair{VmState::shut_off, VmReason::failed},
    std::pair{VmState::shut_off, VmReason::migrated},
    std::pair{VmState::shut_off, VmReason::saved},
    std::pair{VmState::crashed, VmReason::panicked},
};

/// Every status that the control listener answers a webhook with.
constexpr std::array kWebhookCodes{200, 400, 401, 405, 408, 411, 413, 500, 503};

/// What libvirt could not tell is no change, neither to it nor from it.
bool changed(VmState before, VmState now) {
  return before != now && before != VmState::unknown && now != VmState::unknown;
}

Counters::Values transition(const VmName& vm, VmState to, VmReason cause) {
  return {vm.value, std::string(to_string(to)), std::string(to_string(cause))};
}

}  // namespace

struct Instruments::Families {
  // First: every set refers to a family in it.
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Throw};

  Gauges build_info{registry, "upkeep_build_info"};
  Gauges config_successful{registry, "upkeep_config_last_reload_successful"};
  Gauges config_success_time{registry, "upkeep_config_last_reload_success_timestamp_seconds"};
  Gauges token_successful{registry, "upkeep_control_token_last_read_successful"};
  Gauges last_action{registry, "upkeep_remediation_last_action_timestamp_seconds"};

  Counters source_unparsed{registry, "upkeep_source_unparsed_total"};
  Counters vm_transitions{registry, "upkeep_vm_transitions_total"};
  Counters peer_boots{registry, "upkeep_peer_boots_total"};
  Counters connection_transitions{registry, "upkeep_drbd_connection_transitions_total"};
  Counters actions{registry, "upkeep_remediation_actions_total"};
  Counters failures{registry, "upkeep_remediation_action_failures_total"};
  Counters ineffective{registry, "upkeep_remediation_ineffective_total"};
  Counters decisions{registry, "upkeep_remediation_decisions_total"};
  Counters journal_errors{registry, "upkeep_journal_errors_total"};
  Counters handler_errors{registry, "upkeep_http_handler_errors_total"};

  Counters webhook_requests{registry, "upkeep_webhook_requests_total"};
  Counters webhook_refused{registry, "upkeep_webhook_refused_total"};
  Counters webhook_alerts{registry, "upkeep_webhook_alerts_total"};

  Histograms source_reads{registry, "upkeep_source_read_duration_seconds"};
  Histograms action_durations{registry, "upkeep_remediation_action_duration_seconds"};
  Histograms reactions{registry, "upkeep_remediation_reaction_seconds"};
  Histograms recoveries{registry, "upkeep_recovery_duration_seconds"};
  Histograms outages{registry, "upkeep_outage_duration_seconds"};
  Histograms phases{registry, "upkeep_outage_phase_seconds"};

  std::mutex seen_mutex;
  std::shared_ptr<const Vms> vms;    ///< Of the last good reading.
  std::shared_ptr<const Drbd> drbd;  ///< Of the last good reading.
  std::map<NodeName, BootId> boots;  ///< Of the peers, as each last told its own.

  void initialise(const InstrumentLabels& labels);
  void initialise_decisions(const InstrumentLabels& labels);
  void look_at(const std::shared_ptr<const Vms>& now);
  void look_at(const std::shared_ptr<const Drbd>& now);
  void look_at(const std::vector<Peer>& peers);
};

void Instruments::Families::initialise(const InstrumentLabels& labels) {
  // Instruments without labels exist at 0 as well.
  journal_errors.touch({});
  handler_errors.touch({});
  for (const int code : kWebhookCodes) webhook_requests.touch({std::to_string(code)});
  for (const auto& reason : labels.body_refusals) webhook_refused.touch({reason});
  for (const auto& outcome : labels.alert_outcomes) webhook_alerts.touch({outcome});
  for (const SourceKind source : kSourceKinds) {
    source_unparsed.touch({std::string(to_string(source))});
  }
  for (const auto& action : labels.actions) {
    for (const auto& trigger : labels.triggers) actions.touch({action, trigger});
    for (const auto& reason : labels.failure_reasons) failures.touch({action, reason});
    ineffective.touch({action});
    action_durations.touch({action});
    reactions.touch({action});
  }
  recoveries.touch({});
  for (const auto& kind : labels.outage_kinds) {
    outages.touch({kind});
    for (const auto& phase : labels.outage_phases) phases.touch({kind, phase});
  }
  initialise_decisions(labels);
}

void Instruments::Families::initialise_decisions(const InstrumentLabels& labels) {
  for (const auto& rule : labels.rules) {
    decisions.touch({rule, "act", std::string(kNoReason)});
    decisions.touch({rule, "would_act", std::string(kNoReason)});
    for (const auto& hold : labels.holds) decisions.touch({rule, "hold", hold});
  }
}

void Instruments::Families::look_at(const std::shared_ptr<const Vms>& now) {
  if (now == vms) return;
  std::map<VmUuid, const Vm*> before;
  if (vms) {
    for (const auto& vm : *vms) before.emplace(vm.uuid, &vm);
  }
  std::set<std::string> names;
  bool same_names = before.size() == now->size();
  for (const auto& vm : *now) {
    names.insert(vm.name.value);
    const auto was = before.find(vm.uuid);
    if (was == before.end() || was->second->name != vm.name) {
      same_names = false;
      for (const auto& [to, cause] : kUsualTransitions) {
        vm_transitions.touch(transition(vm.name, to, cause));
      }
      continue;
    }
    if (changed(was->second->state, vm.state)) {
      count(vm_transitions, transition(vm.name, vm.state, vm.reason));
    }
  }
  if (!same_names) {
    vm_transitions.drop_if([&](const auto& values) { return !names.contains(values[0]); });
  }
  vms = now;
}

void Instruments::Families::look_at(const std::shared_ptr<const Drbd>& now) {
  if (now == drbd) return;
  std::set<std::pair<std::string, std::string>> links;
  for (const auto& resource : now->resources) {
    for (const auto& peer : resource.peers) {
      links.emplace(resource.name.value, peer.name.value);
      for (const auto& [kind, word] : kDrbdConnections) {
        connection_transitions.touch({resource.name.value, peer.name.value, std::string(word)});
      }
    }
  }
  connection_transitions.drop_if(
      [&](const auto& values) { return !links.contains({values[0], values[1]}); });
  drbd = now;
}

void Instruments::Families::look_at(const std::vector<Peer>& peers) {
  for (const Peer& peer : peers) {
    peer_boots.touch({peer.name.value});
    if (!peer.facts.reading || peer.facts.reading->boot_id.value.empty()) continue;
    const auto [last, is_first] = boots.try_emplace(peer.name, peer.facts.reading->boot_id);
    if (is_first || last->second == peer.facts.reading->boot_id) continue;
    last->second = peer.facts.reading->boot_id;
    count(peer_boots, {peer.name.value});
  }
}

Instruments::Instruments(const BuildInfo& build, const InstrumentLabels& labels)
    : families_(std::make_unique<Families>()) {
  families_->build_info.with({build.version, build.revision}, [](auto& gauge) { gauge.Set(1); });
  families_->initialise(labels);
}

Instruments::~Instruments() = default;

void Instruments::source_read(SourceKind source, Duration took) {
  observe(families_->source_reads, {std::string(to_string(source))}, took);
}

void Instruments::source_unparsed(SourceKind source) {
  count(families_->source_unparsed, {std::string(to_string(source))});
}

void Instruments::look(const Snapshot& snapshot) {
  const std::scoped_lock lock(families_->seen_mutex);
  if (snapshot.vms.reading && *snapshot.vms.reading) families_->look_at(*snapshot.vms.reading);
  if (snapshot.drbd.reading && *snapshot.drbd.reading) families_->look_at(*snapshot.drbd.reading);
  families_->look_at(snapshot.peers);
}

void Instruments::drbd_event(const DrbdEvent& event) {
  if (event.initial || event.kind != DrbdEvent::Kind::connection_changed) return;
  count(families_->connection_transitions, {event.resource.value, event.peer.value, event.to});
}

void Instruments::action_begun(std::string_view action, std::string_view trigger, WallTime at) {
  count(families_->actions, {std::string(action), std::string(trigger)});
  families_->last_action.with({std::string(action)},
                              [&](auto& gauge) { gauge.Set(to_unix_seconds(at)); });
}

void Instruments::action_took(std::string_view action, Duration took) {
  observe(families_->action_durations, {std::string(action)}, took);
}

void Instruments::action_failed(std::string_view action, std::string_view reason) {
  count(families_->failures, {std::string(action), std::string(reason)});
}

void Instruments::action_ineffective(std::string_view action) {
  count(families_->ineffective, {std::string(action)});
}

void Instruments::reaction(std::string_view action, Duration took) {
  observe(families_->reactions, {std::string(action)}, took);
}

void Instruments::decided(std::string_view rule, std::string_view verdict,
                          std::string_view reason) {
  count(families_->decisions, {std::string(rule), std::string(verdict), std::string(reason)});
}

void Instruments::outage_ended(std::string_view kind, Duration total) {
  observe(families_->outages, {std::string(kind)}, total);
}

void Instruments::outage_phase(std::string_view kind, std::string_view phase, Duration took) {
  observe(families_->phases, {std::string(kind), std::string(phase)}, took);
}

void Instruments::recovery_ended(Seconds took) {
  observe(families_->recoveries, {}, std::chrono::duration_cast<Duration>(took));
}

void Instruments::webhook_answered(int status) {
  count(families_->webhook_requests, {std::to_string(status)});
}

void Instruments::webhook_refused(std::string_view reason) {
  count(families_->webhook_refused, {std::string(reason)});
}

void Instruments::alert_decided(std::string_view outcome) {
  count(families_->webhook_alerts, {std::string(outcome)});
}

void Instruments::journal_failed() { count(families_->journal_errors, {}); }

void Instruments::http_handler_failed() { count(families_->handler_errors, {}); }

void Instruments::config_loaded(bool successful, WallTime at) {
  families_->config_successful.with({}, [&](auto& gauge) { gauge.Set(successful ? 1 : 0); });
  if (!successful) return;
  families_->config_success_time.with({}, [&](auto& gauge) { gauge.Set(to_unix_seconds(at)); });
}

void Instruments::token_read(bool successful) {
  families_->token_successful.with({}, [&](auto& gauge) { gauge.Set(successful ? 1 : 0); });
}

void Instruments::write(Exposition& out) const { out.add(families_->registry.Collect()); }

}  // namespace upkeep
