#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace upkeep {

/// How many letters must be added, dropped, changed or swapped with their neighbour to make one
/// word of the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word that was most likely meant, or empty when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

/// " (did you mean 'listen'?)", or empty when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace upkeep
