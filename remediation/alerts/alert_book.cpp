#include "remediation/alerts/alert_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace upkeep {
namespace {

/// Three times the repeat_interval that packaging/examples/alertmanager.yml sets.
constexpr Duration kInForce = std::chrono::minutes(15);

constexpr Duration kReadingsGap = std::chrono::milliseconds(200);

/// The problem that the alert tells of isn't there, or isn't this node's.
bool says_gone(AlertOutcome outcome) {
  return outcome == AlertOutcome::nothing_to_do || outcome == AlertOutcome::not_wanted ||
         outcome == AlertOutcome::not_mine || outcome == AlertOutcome::refused;
}

/// Nothing but the alert shows this problem, so that nothing shows its end either: one that was
/// decided must not ask again.
bool asks_once(std::string_view rule) { return rule == "vm_unresponsive"; }

}  // namespace

AlertBook::AlertBook(Parts parts, History& history, const std::vector<AlertRecord>& waiting,
                     const Anchor& anchor)
    : parts_(parts), history_(history), wants_readings_(!waiting.empty()) {
  for (const AlertRecord& alert : waiting) {
    const Tick arrived = to_tick(alert.received, anchor);
    in_force_[alert.key] = {.alert = alert, .arrived = arrived, .until = arrived + kInForce};
  }
  look_again();
}

bool AlertBook::wants_readings(Tick now) {
  if (!wants_readings_ || (last_wanted_ && now - *last_wanted_ < kReadingsGap)) return false;
  wants_readings_ = false;
  last_wanted_ = now;
  return true;
}

bool AlertBook::waits() const {
  return std::ranges::any_of(in_force_,
                             [](const auto& line) { return !line.second.alert.outcome; });
}

void AlertBook::apply(const Intake& intake, const Step& step) {
  const Tick until = step.now + kInForce;
  for (const AlertKey& key : intake.queued) {
    in_force_[key] = {.alert = {}, .arrived = step.now, .until = until};
  }
  for (const AlertRecord& alert : intake.renewed) {
    const auto [line, is_new] = in_force_.try_emplace(alert.key);
    if (is_new) line->second.arrived = step.now;
    line->second.alert = alert;
    line->second.until = until;
  }
  for (const auto& [key, record] : intake.records) {
    const auto line = in_force_.find(key);
    if (line != in_force_.end()) line->second.alert = record;
  }
  std::erase_if(in_force_, [](const auto& line) { return line.second.alert.over; });
  wants_readings_ = wants_readings_ || intake.wants_readings;
  if (intake.watchdog) last_watchdog_ = step.wall;
  for (const AlertNews& news : intake.news) parts_.recorder.alert(news);
  look_again();
}

void AlertBook::decide(const Decided& decided, const Step& step) {
  for (auto line = in_force_.begin(); line != in_force_.end();) {
    line = decide(line->second, decided, step) ? in_force_.erase(line) : std::next(line);
  }
  look_again();
}

bool AlertBook::decide(InForce& one, const Decided& decided, const Step& step) {
  const auto verdict = alert_verdict(one.alert, one.arrived, decided);
  const bool late = step.now >= one.until;
  if (!one.alert.outcome && verdict) {
    settle(one, *verdict, step);
  } else if (!one.alert.outcome && late) {
    settle(one,
           {.outcome = AlertOutcome::expired,
            .text = "nothing could be decided in 15 minutes, so nothing is done"},
           step);
  } else if (verdict && says_gone(verdict->outcome)) {
    one.alert.over = true;
    parts_.journal.decided(one.alert);
  }
  return one.alert.over || late;
}

void AlertBook::settle(InForce& one, const AlertVerdict& verdict, const Step& step) {
  AlertRecord& alert = one.alert;
  alert.outcome = verdict.outcome;
  alert.decided = step.wall;
  alert.over = says_gone(verdict.outcome);
  const AlertNews news{.outcome = verdict.outcome,
                       .alertname = alert.alertname,
                       .target = alert.target,
                       .line = alert_line(alert, verdict.text)};
  parts_.journal.decided(alert, history_line(news, step.wall));
  parts_.recorder.alert(news);
}

void AlertBook::look_again() {
  history_.asked_by_alert.clear();
  for (const auto& [key, one] : in_force_) {
    if (!key.action || !one.alert.target) continue;
    for (const std::string_view rule : rules_for(*key.action)) {
      if (asks_once(rule) && one.alert.outcome) continue;
      const auto [asked, is_new] =
          history_.asked_by_alert.try_emplace({std::string(rule), *one.alert.target}, one.arrived);
      if (!is_new) asked->second = std::min(asked->second, one.arrived);
    }
  }
}

std::string alert_line(const AlertRecord& alert, std::string_view what) {
  if (!alert.key.action) return fmt::format("alert {}: {}", alert.alertname, what);
  return fmt::format("alert {} asks for {}: {}", alert.alertname, to_string(*alert.key.action),
                     what);
}

HistoryEntry history_line(const AlertNews& news, WallTime at) {
  return {.at = at,
          .kind = "alert",
          .target = news.target ? to_string(*news.target) : "",
          .text = news.line,
          .action_id = std::nullopt};
}

}  // namespace upkeep
