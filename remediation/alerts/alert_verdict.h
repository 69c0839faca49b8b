#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediation/alerts/alert.h"
#include "remediation/executor.h"
#include "remediation/world.h"

namespace upkeep {

/// The rules whose problems the action mends; none for one that mends nothing. Of one target at
/// most one of them can find something at a time.
[[nodiscard]] std::vector<std::string_view> rules_for(AlertAction action);

/// What was decided in this step, for everything.
struct Decided {
  const World& world;
  const std::vector<Decision>& decisions;
  std::vector<Ticket> begun;  ///< Every action that has begun and not ended.
};

/// What became of an alert, and the end of the sentence that tells it.
struct AlertVerdict {
  AlertOutcome outcome = AlertOutcome::nothing_to_do;
  std::string text;
};

/// Decides an alert that came at `arrived`, from what is decided about its VM or resource anyway:
/// an alert is a hint and adds nothing to what is seen. It is decided when
/// - an action of its rule on its target has begun, or would have in mode dry-run;
/// - a gate holds that action back that doesn't open by itself;
/// - a reading from after its arrival doesn't show the problem, or no such VM or resource.
/// Nothing means that it waits: for a reading, for a second look, for a hold that passes.
[[nodiscard]] std::optional<AlertVerdict> alert_verdict(const AlertRecord& alert, Tick arrived,
                                                        const Decided& decided);

}  // namespace upkeep
