#include "remediation/alerts/alert.h"

#include <algorithm>

namespace upkeep {

std::string_view to_string(AlertOutcome outcome) {
  switch (outcome) {
    case AlertOutcome::acted: return "acted";
    case AlertOutcome::would_act: return "would_act";
    case AlertOutcome::held: return "held";
    case AlertOutcome::nothing_to_do: return "nothing_to_do";
    case AlertOutcome::rechecked: return "rechecked";
    case AlertOutcome::watchdog: return "watchdog";
    case AlertOutcome::not_wanted: return "not_wanted";
    case AlertOutcome::not_mine: return "not_mine";
    case AlertOutcome::refused: return "refused";
    case AlertOutcome::no_target: return "no_target";
    case AlertOutcome::unknown_alert: return "unknown_alert";
    case AlertOutcome::duplicate: return "duplicate";
    case AlertOutcome::after_resolved: return "after_resolved";
    case AlertOutcome::resolved: return "resolved";
    case AlertOutcome::cancelled: return "cancelled";
    case AlertOutcome::expired: return "expired";
    case AlertOutcome::truncated: return "truncated";
    case AlertOutcome::too_old: return "too_old";
  }
  return "unknown_alert";
}

std::string shown(std::string_view text, std::size_t most) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  const bool cut = text.size() > most;
  std::size_t end = std::min(text.size(), most);
  // Not in the middle of a character.
  while (cut && end > 0 && continues(text[end])) --end;
  std::string line(text.substr(0, end));
  std::ranges::replace_if(
      line,
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20U || byte == 0x7FU;
      },
      '?');
  return cut ? line + "…" : line;
}

}  // namespace upkeep
