// How a POST of Alertmanager's is taken in.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "remediation/alerts/alert_book.h"

namespace upkeep {
namespace {

/// As long as the journal keeps an alert: what is older may have been here and be forgotten.
constexpr auto kRemembered = std::chrono::hours(24 * 90);
constexpr Duration kSayAgain = std::chrono::minutes(1);
constexpr std::size_t kLongestName = 255;

/// A value of a label as a name that libvirt or DRBD could know. Nothing else than a look-up is
/// done with it; this keeps lines and rows sound.
bool is_name(std::string_view value) {
  return !value.empty() && value.size() <= kLongestName && std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20U || byte == 0x7FU || c == '/';
  });
}

std::optional<Target> target_in(const AlertLabels& labels, const AlertRule& rule) {
  const std::string_view value = label_of(labels, rule.target_label);
  if (!is_name(value)) return std::nullopt;
  const bool drbd = rule.action == AlertAction::reconnect_drbd;
  return Target{.kind = drbd ? Target::Kind::resource : Target::Kind::vm,
                .name = std::string(value)};
}

AlertRecord record_of(const Alert& alert, const AlertRule* rule, WallTime now) {
  AlertRecord record;
  record.key = {.fingerprint = alert.fingerprint, .starts_at = alert.starts_at, .action = {}};
  record.alertname = shown(label_of(alert.labels, "alertname"));
  record.received = now;
  if (rule == nullptr) return record;
  record.key.action = rule->action;
  if (needs_target(rule->action)) record.target = target_in(alert.labels, *rule);
  return record;
}

AlertNews news_of(const AlertRecord& record, AlertOutcome outcome, std::string_view what = "") {
  return {.outcome = outcome,
          .alertname = record.alertname,
          .target = record.target,
          .line = what.empty() ? "" : alert_line(record, what)};
}

Error not_kept(const Error& error) {
  return {Errc::unavailable,
          "the alerts can't be kept, so nothing is answered for: send them "
          "again; " +
              error.message};
}

/// "alerts: 2 duplicate, 1 queued".
std::string summary(const std::vector<AlertNews>& news, std::size_t queued) {
  std::map<std::string_view, std::size_t> counts;
  for (const AlertNews& one : news) ++counts[to_string(one.outcome)];
  std::string text = "alerts:";
  for (const auto& [outcome, count] : counts) text += fmt::format(" {} {},", count, outcome);
  return text + fmt::format(" {} queued", queued);
}

}  // namespace

Result<std::string> AlertBook::take(const AlertDelivery& delivery, const Step& step) {
  // It is tried again soon; until then nobody waits for a disk that hangs.
  if (!parts_.journal.ok()) {
    return fail(Errc::unavailable, "the journal can't be written: send the alerts again");
  }
  Intake intake;
  if (delivery.truncated) refuse_all(delivery, step, intake);
  for (const Alert& alert : delivery.alerts) {
    if (delivery.truncated) break;
    if (auto taken = arrive(alert, step, intake); !taken) {
      return std::unexpected(not_kept(taken.error()));
    }
  }
  std::vector<AlertRecord> records;
  std::vector<HistoryEntry> lines;
  for (const auto& [key, record] : intake.records) records.push_back(record);
  for (const AlertNews& news : intake.news) {
    if (!news.line.empty()) lines.push_back(history_line(news, step.wall));
  }
  if (auto kept = parts_.journal.save(records, lines, step.now); !kept) {
    return std::unexpected(not_kept(kept.error()));
  }
  apply(intake, step);
  return summary(intake.news, intake.queued.size());
}

Result<void> AlertBook::arrive(const Alert& alert, const Step& step, Intake& intake) {
  const AlertRule* rule = alert_rule_for(step.policy.alerts, alert.labels);
  AlertRecord record = record_of(alert, rule, step.wall);
  if (rule != nullptr && rule->action == AlertAction::watchdog) {
    // Each arrival counts, and none of them is worth a line.
    intake.watchdog = intake.watchdog || alert.firing;
    intake.news.push_back(
        news_of(record, alert.firing ? AlertOutcome::watchdog : AlertOutcome::resolved));
    return {};
  }
  auto found = known(record.key, intake);
  if (!found) return std::unexpected(found.error());
  if (*found && alert.firing) {
    fires_again(std::move(**found), intake);
  } else if (*found) {
    is_resolved(std::move(**found), step, intake);
  } else if (alert.starts_at < step.wall - kRemembered) {
    const bool said = may_say(AlertOutcome::too_old, step.now);
    intake.news.push_back(news_of(record, AlertOutcome::too_old,
                                  said ? "it began to fire over 90 days ago, so nobody knows what "
                                         "became of it: nothing is done"
                                       : ""));
  } else {
    is_new(std::move(record), alert, rule, intake);
  }
  return {};
}

Result<std::optional<AlertRecord>> AlertBook::known(const AlertKey& key,
                                                    const Intake& intake) const {
  const auto just_now = intake.records.find(key);
  if (just_now != intake.records.end()) return just_now->second;
  const auto line = in_force_.find(key);
  if (line != in_force_.end()) return line->second.alert;
  return parts_.journal.alert(key);
}

void AlertBook::is_new(AlertRecord record, const Alert& alert, const AlertRule* rule,
                       Intake& intake) {
  const auto decided = [&](AlertOutcome outcome, std::string_view what) {
    record.outcome = outcome;
    record.decided = record.received;
    record.over = true;
    intake.news.push_back(news_of(record, outcome, what));
  };
  if (!alert.firing) {
    record.resolved = true;
    decided(AlertOutcome::resolved, "it is resolved, and had not arrived before");
  } else if (rule == nullptr) {
    decided(AlertOutcome::unknown_alert, "no [[alert]] block is for it: nothing is done");
  } else if (rule->action == AlertAction::recheck) {
    intake.wants_readings = true;
    decided(AlertOutcome::rechecked, "everything is read again");
  } else if (!record.target) {
    decided(AlertOutcome::no_target,
            fmt::format("its label {} names nothing: nothing is done", rule->target_label));
  } else {
    intake.wants_readings = true;
    intake.queued.push_back(record.key);
  }
  intake.records.insert_or_assign(record.key, std::move(record));
}

void AlertBook::fires_again(AlertRecord record, Intake& intake) {
  const bool late = record.resolved;
  std::string_view what;
  if (!record.repeated) {
    what = late ? "it arrived as firing after it was resolved: nothing is done"
                : "it arrived again; it is decided once";
  }
  intake.news.push_back(
      news_of(record, late ? AlertOutcome::after_resolved : AlertOutcome::duplicate, what));
  if (!record.over) intake.renewed.push_back(record);
  // Alertmanager repeats itself for as long as an alert fires: only the first time is worth a
  // write.
  if (std::exchange(record.repeated, true)) return;
  intake.records.insert_or_assign(record.key, std::move(record));
}

void AlertBook::is_resolved(AlertRecord record, const Step& step, Intake& intake) {
  if (record.resolved) {
    intake.news.push_back(news_of(record, AlertOutcome::duplicate));
    return;
  }
  const bool waited = !record.outcome;
  record.resolved = true;
  record.over = true;
  // What fires after that is another story than what was repeated before.
  record.repeated = false;
  if (waited) {
    record.outcome = AlertOutcome::cancelled;
    record.decided = step.wall;
    intake.news.push_back(news_of(record, AlertOutcome::cancelled,
                                  "it was resolved before anything was decided: nothing is done"));
  }
  intake.news.push_back(news_of(record, AlertOutcome::resolved, waited ? "" : "it is resolved"));
  intake.records.insert_or_assign(record.key, std::move(record));
}

void AlertBook::refuse_all(const AlertDelivery& delivery, const Step& step, Intake& intake) {
  bool said = !may_say(AlertOutcome::truncated, step.now);
  for (const Alert& alert : delivery.alerts) {
    AlertNews news{.outcome = AlertOutcome::truncated,
                   .alertname = shown(label_of(alert.labels, "alertname")),
                   .target = std::nullopt,
                   .line = ""};
    if (!std::exchange(said, true)) {
      news.line = fmt::format(
          "alert {} and others: Alertmanager cut the group short, so nothing "
          "of it is done; set its max_alerts to 0",
          news.alertname);
    }
    intake.news.push_back(std::move(news));
  }
}

bool AlertBook::may_say(AlertOutcome outcome, Tick now) {
  const auto [line, is_new] = said_.try_emplace(outcome, now);
  if (is_new) return true;
  if (now - line->second < kSayAgain) return false;
  line->second = now;
  return true;
}

}  // namespace upkeep
