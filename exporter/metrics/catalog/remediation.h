#pragma once

#include <array>

#include "exporter/metrics/metric_family.h"

namespace upkeep::catalog {

inline constexpr std::array kRemediation{
    MetricFamily{"upkeep_mode", MetricType::gauge, "mode",
                 "What upkeep may do, 1 for the mode it is in: observe, dry-run or act.",
                 "State set."},
    MetricFamily{"upkeep_remediation_actions_total", MetricType::counter, "action, trigger",
                 "Actions begun, by what first showed the problem.",
                 "Or by the alert it waited for. `trigger`: `event poll webhook manual`."},
    MetricFamily{
        "upkeep_remediation_action_failures_total", MetricType::counter, "action, reason",
        "Actions that did not succeed, or of which nothing could be sent.",
        "`unavailable timed_out not_found conflict denied invalid storage exhausted failed "
        "ineffective`."},
    MetricFamily{"upkeep_remediation_ineffective_total", MetricType::counter, "action",
                 "Actions that succeeded without ending the problem.", ""},
    MetricFamily{"upkeep_remediation_decisions_total", MetricType::counter,
                 "rule, decision, reason",
                 "Decisions that differ from the one before for the same problem.",
                 "`act`, `would_act` (dry-run), `hold` with its reason."},
    MetricFamily{"upkeep_remediation_action_duration_seconds", MetricType::histogram, "action",
                 "Duration of an action, from its begin to its end.", ""},
    MetricFamily{"upkeep_remediation_reaction_seconds", MetricType::histogram, "action",
                 "From the event that showed a fault to the first command sent to mend it.", ""},
    MetricFamily{"upkeep_outage_duration_seconds", MetricType::histogram, "kind",
                 "Duration of an outage that ended.", "`kind`: `vm resource`."},
    MetricFamily{"upkeep_outage_phase_seconds", MetricType::histogram, "kind, phase",
                 "Duration of one phase of an outage.",
                 "`detect gate queue storage start verify`; `verify` lasts until the guest is "
                 "healthy, where it has a check."},
    MetricFamily{"upkeep_remediation_inflight", MetricType::gauge, "action",
                 "Actions that were begun and have not ended.", ""},
    MetricFamily{"upkeep_remediation_overdue", MetricType::gauge, "action",
                 "Actions that are past their deadline and have not ended: they hang.",
                 "Also those that hang in the last look, with nothing sent."},
    MetricFamily{"upkeep_remediation_start_slots", MetricType::gauge, "",
                 "How many VMs may be starting at once, by what the node bore so far.", ""},
    MetricFamily{"upkeep_remediation_budget_remaining", MetricType::gauge, "",
                 "Actions left of the last hour's budget; a whole recovery counts as one.", ""},
    MetricFamily{"upkeep_remediation_paused", MetricType::gauge, "scope",
                 "What persons paused: the node, its boot (maintenance), VMs, DRBD resources.",
                 "`node` and `maintenance` are 0 or 1, `vm` and `resource` how many."},
    MetricFamily{"upkeep_remediation_storm_active", MetricType::gauge, "",
                 "Whether no VM is touched because too many failed for different reasons.", ""},
    MetricFamily{"upkeep_recovery_active", MetricType::gauge, "",
                 "Whether the node is recovering from a boot, or from the loss of most of its VMs.",
                 ""},
    MetricFamily{"upkeep_recovery_vms", MetricType::gauge, "state",
                 "VMs of the recovery that is open, or else of the last one, by how far they came.",
                 "`waiting starting healthy unverified held latched unwanted`."},
    MetricFamily{"upkeep_recovery_started_timestamp_seconds", MetricType::gauge, "",
                 "When the recovery that is open, or else the last one, began: the boot, or the "
                 "first failure.",
                 "Absent before the first."},
    MetricFamily{"upkeep_recovery_duration_seconds", MetricType::histogram, "",
                 "Duration of a recovery that ended, from its cause.", ""},
    MetricFamily{"upkeep_remediation_queue_length", MetricType::gauge, "",
                 "Actions that are decided and wait for their turn.",
                 "At most eight are begun at a time, two of them DRBD's."},
    MetricFamily{"upkeep_remediation_latched", MetricType::gauge, "target",
                 "Whether the attempts on the target are used up, so that a person must look.", ""},
    MetricFamily{"upkeep_remediation_next_attempt_timestamp_seconds", MetricType::gauge, "target",
                 "When the hold on the target ends by itself and it is tried again.",
                 "Absent when no hold does."},
    MetricFamily{"upkeep_remediation_last_action_timestamp_seconds", MetricType::gauge, "action",
                 "When an action of this kind last began.", ""},
};

inline constexpr std::array kWebhook{
    MetricFamily{"upkeep_webhook_requests_total", MetricType::counter, "code",
                 "Requests to Alertmanager's webhook, by the status of the answer.", ""},
    MetricFamily{"upkeep_webhook_refused_total", MetricType::counter, "reason",
                 "Bodies that were posted to the webhook with the token, and not taken.",
                 "Nothing of such a body counts; [webhook.md](webhook.md) explains each `reason`."},
    MetricFamily{"upkeep_webhook_alerts_total", MetricType::counter, "outcome",
                 "Alerts that arrived at the webhook, by what became of them.",
                 "Counted when that is known; [webhook.md](webhook.md) explains each `outcome`."},
    MetricFamily{"upkeep_webhook_last_watchdog_timestamp_seconds", MetricType::gauge, "",
                 "When the watchdog's alert last arrived; until it does, when upkeep started.",
                 "Only with an `[[alert]]` block for it."},
};

}  // namespace upkeep::catalog
