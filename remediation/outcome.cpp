#include "remediation/outcome.h"

#include <algorithm>

#include "remediation/hold.h"

namespace upkeep {

std::string_view to_string(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::succeeded: return "succeeded";
    case Outcome::Kind::failed: return "failed";
    case Outcome::Kind::timed_out: return "timed_out";
    case Outcome::Kind::refused: return "refused";
    case Outcome::Kind::conflict: return "conflict";
    case Outcome::Kind::ineffective: return "ineffective";
    case Outcome::Kind::interrupted: return "interrupted";
  }
  return "failed";
}

std::optional<Outcome::Kind> to_outcome_kind(std::string_view word) {
  const auto* const found = std::ranges::find_if(
      kOutcomeKinds, [&](Outcome::Kind kind) { return to_string(kind) == word; });
  if (found == kOutcomeKinds.end()) return std::nullopt;
  return *found;
}

bool costs_attempt(const Outcome& outcome) {
  return outcome.kind != Outcome::Kind::refused && outcome.kind != Outcome::Kind::conflict;
}

bool could_not_be_sent(const Outcome& outcome) {
  return outcome.kind == Outcome::Kind::refused && !to_hold(outcome.reason);
}

}  // namespace upkeep
