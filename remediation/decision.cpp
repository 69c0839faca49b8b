#include "remediation/decision.h"

#include <utility>

namespace upkeep {

Held hold(Hold reason, std::string detail, std::string opens_with) {
  return {.reason = reason,
          .detail = std::move(detail),
          .opens_with = std::move(opens_with),
          .retry_at = std::nullopt};
}

std::string_view verdict_name(const Decision& decision) {
  if (std::holds_alternative<Act>(decision.verdict)) return "act";
  if (std::holds_alternative<WouldAct>(decision.verdict)) return "would_act";
  return "hold";
}

std::optional<Hold> hold_of(const Decision& decision) {
  const auto* held = std::get_if<Held>(&decision.verdict);
  if (held == nullptr) return std::nullopt;
  return held->reason;
}

}  // namespace upkeep
