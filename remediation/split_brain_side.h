#pragma once

#include <optional>
#include <string_view>

namespace upkeep {

/// Whose changes a split brain costs, as seen from this node.
enum class SplitBrainSide { discard_local, keep_local };

/// Journal and API word; never rename.
[[nodiscard]] constexpr std::string_view to_string(SplitBrainSide side) {
  switch (side) {
    case SplitBrainSide::discard_local: return "discard_local";
    case SplitBrainSide::keep_local: return "keep_local";
  }
  return "keep_local";
}

[[nodiscard]] constexpr std::optional<SplitBrainSide> to_split_brain_side(std::string_view word) {
  for (const SplitBrainSide side : {SplitBrainSide::discard_local, SplitBrainSide::keep_local}) {
    if (to_string(side) == word) return side;
  }
  return std::nullopt;
}

}  // namespace upkeep
