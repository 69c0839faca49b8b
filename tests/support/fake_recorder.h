#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "remediation/recorder.h"

namespace upkeep::test {

/// Writes down what it hears, a short line each.
class RecordingRecorder final : public Recorder {
 public:
  std::vector<std::string> lines;

  void decided(const Decision& decision, const Decision* previous) override {
    const auto hold = hold_of(decision);
    add("decided {} {} {}{}", to_string(decision.finding.subject), verdict_name(decision),
        hold ? to_string(*hold) : "-", previous == nullptr ? " (new)" : "");
  }
  void finding_gone(const Finding& finding) override {
    add("gone {} {}", finding.rule, to_string(finding.subject));
  }
  void action_begun(const Ticket& ticket, int attempt) override {
    add("begun {} {}", to_string(target_of(ticket.action)), attempt);
  }
  void action_ended(const Completed& completed, bool latched_now) override {
    add("ended {} {}{}{}", to_string(target_of(completed.action)),
        to_string(completed.outcome.kind), latched_now ? " latched" : "",
        completed.ended ? "" : " (not ended)");
  }
  void intent_changed(const Intent* before, const Intent& after) override {
    add("intent {} {} {}{}", after.name.value, after.wanted ? "wanted" : "unwanted",
        to_string(after.last_stop), before == nullptr ? " (new)" : "");
  }
  void outage_ended(std::string_view kind, const Target& target, Duration total) override {
    add("outage {} {} {} ms", kind, to_string(target), millis(total));
  }
  void outage_phase(std::string_view kind, std::string_view phase, Duration took) override {
    add("phase {} {} {} ms", kind, phase, millis(took));
  }
  void recovery_opened(const Recovery& recovery) override {
    add("recovery {} opened: {}", recovery.id, summary_of(recovery));
  }
  void recovery_ended(const Recovery& recovery) override {
    add("recovery {} ended: {}", recovery.id, summary_of(recovery));
  }
  void alert(const AlertNews& news) override {
    add("alert {} {}", news.alertname, to_string(news.outcome));
  }
  void journal_failed(const Error& error) override { add("journal failed: {}", error.message); }
  void journal_lacks(const Error& error) override { add("journal lacks: {}", error.message); }

  [[nodiscard]] std::vector<std::string> starting_with(const std::string& prefix) const {
    std::vector<std::string> found;
    std::ranges::copy_if(lines, std::back_inserter(found),
                         [&](const std::string& line) { return line.starts_with(prefix); });
    return found;
  }

 private:
  static std::int64_t millis(Duration took) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  }
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    lines.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
};

}  // namespace upkeep::test
