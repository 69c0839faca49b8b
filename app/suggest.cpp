#include "app/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace upkeep {
namespace {

// Longer words are no typos of anything known; comparing them would only cost time.
constexpr std::size_t kLongestWord = 64;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_up(b.size() + 1);
  std::vector<std::size_t> up(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) up[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({up[j] + 1, row[j - 1] + 1, up[j - 1] + changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_up[j - 2] + 1);
      }
    }
    std::swap(two_up, up);
    std::swap(up, row);
  }
  return up[b.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  std::string_view stem;  // What the word begins with.
  std::size_t best_distance = 0;
  for (const std::string_view candidate : known) {
    // Cut short, or with an ending too many: "stat" for "status", "warning" for "warn".
    const bool abbreviates = word.size() >= 3 && candidate.starts_with(word);
    const bool extends = candidate.size() >= 3 && word.starts_with(candidate);
    if (abbreviates) return candidate;
    if (extends && candidate.size() > stem.size()) stem = candidate;
    const std::size_t distance = edit_distance(word, candidate);
    // A third of the letters wrong is still the same word; more is another one.
    const std::size_t tolerated =
        std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 3);
    if (distance > tolerated || distance >= candidate.size()) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  // "warning" is "warn", but "listen_alow_from" isn't "listen" where there is "listen_allow_from".
  const bool nearer = !best.empty() && best_distance < word.size() - stem.size();
  return stem.empty() || nearer ? best : stem;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view meant = nearest(word, known);
  return meant.empty() ? std::string() : fmt::format(" (did you mean '{}'?)", meant);
}

}  // namespace upkeep
