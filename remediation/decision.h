#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exporter/model/clock.h"
#include "remediation/action.h"
#include "remediation/hold.h"
#include "remediation/outcome.h"

namespace upkeep {

/// What first showed a problem.
enum class Trigger { event, poll, webhook, manual };

inline constexpr std::array kTriggers{Trigger::event, Trigger::poll, Trigger::webhook,
                                      Trigger::manual};

[[nodiscard]] constexpr std::string_view to_string(Trigger trigger) {
  switch (trigger) {
    case Trigger::event: return "event";
    case Trigger::poll: return "poll";
    case Trigger::webhook: return "webhook";
    case Trigger::manual: return "manual";
  }
  return "poll";
}

/// A problem that a rule sees.
struct Finding {
  std::string_view rule;  ///< The rule's name; static storage.
  Target subject;
  Trigger trigger = Trigger::poll;
  bool confirmed = false;  ///< Shown by a definite event or seen twice.
  Tick since{};            ///< When it was first known to be so.
  std::string detail;      ///< Facts for people: "shut off (crashed)".

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Do it now.
struct Act {
  Action action;
  friend bool operator==(const Act&, const Act&) = default;
};
/// Mode dry-run: would do it now.
struct WouldAct {
  Action action;
  friend bool operator==(const WouldAct&, const WouldAct&) = default;
};
/// Does nothing, and why.
struct Held {
  Hold reason = Hold::observing;
  std::string detail;            ///< Which disk, which peer, until when; for people.
  std::string opens_with;        ///< The command that would open it; empty when none would.
  std::optional<Tick> retry_at;  ///< When this hold ends by itself.
  friend bool operator==(const Held&, const Held&) = default;
};

/// Why nothing is done, when nothing but a person or another fact can change it.
[[nodiscard]] Held hold(Hold reason, std::string detail, std::string opens_with = "");

struct Decision {
  Finding finding;
  std::variant<Act, WouldAct, Held> verdict;

  friend bool operator==(const Decision&, const Decision&) = default;
};

/// The metric label: "act", "would_act" or "hold".
[[nodiscard]] std::string_view verdict_name(const Decision& decision);
/// The Hold of a held decision.
[[nodiscard]] std::optional<Hold> hold_of(const Decision& decision);

}  // namespace upkeep
