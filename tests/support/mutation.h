#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

namespace upkeep::test {

/// Damages text as broken tools, cut files and hostile clients do. The same seed gives the same
/// damage everywhere.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  /// One to eight edits: a byte changed, a piece dropped, doubled or moved, the end cut off.
  [[nodiscard]] std::string damaged(std::string text) {
    for (std::size_t edits = 1 + below(8); edits > 0; --edits) edit(text);
    return text;
  }

 private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

  char any_byte() {
    // What parsers look for is likelier than the rest.
    constexpr std::string_view kTelling =
        "\n\r\t\0 :;,.=-+[](){}<>\"'\\/#%0123456789eExX\x80\xc3\xff";
    return below(2) == 0 ? kTelling[below(kTelling.size())] : static_cast<char>(below(256));
  }

  void edit(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(text.size() - at, 40) + 1);
    switch (below(5)) {
      case 0:
        if (at < text.size()) text[at] = any_byte();
        return;
      case 1: text.insert(at, 1, any_byte()); return;
      case 2: text.erase(at, length); return;
      case 3: text.insert(below(text.size() + 1), text.substr(at, length)); return;
      default:
        if (below(4) == 0) text.resize(at);
        return;
    }
  }

  std::mt19937_64 random_;
};

/// How many texts a test damages: `usual`, times UPKEEP_MUTATIONS when that is set, for a night's
/// search.
[[nodiscard]] inline std::uint64_t mutation_rounds(std::uint64_t usual) {
  const char* more = std::getenv("UPKEEP_MUTATIONS");  // NOLINT(concurrency-mt-unsafe)
  return usual * (more == nullptr ? 1 : std::strtoull(more, nullptr, 10));
}

}  // namespace upkeep::test
