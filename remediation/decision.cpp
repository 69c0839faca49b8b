#include "remediation/decision.h"

namespace upkeep {

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
