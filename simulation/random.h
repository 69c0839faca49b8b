#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "exporter/model/clock.h"

namespace upkeep::simulation {

/// A small seeded generator (splitmix64): the same numbers on every machine, so that a printed seed
/// replays.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  /// 0 … limit-1.
  [[nodiscard]] std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(next() % limit);
  }
  [[nodiscard]] bool percent(std::size_t share) { return below(100) < share; }
  [[nodiscard]] Duration seconds(std::size_t limit) {
    return std::chrono::milliseconds(below((limit * 1000) + 1));
  }
  template <class T>
  [[nodiscard]] T pick(std::initializer_list<T> from) {
    return *(from.begin() + below(from.size()));
  }
  template <class T>
  void shuffle(std::vector<T>& list) {
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace upkeep::simulation
