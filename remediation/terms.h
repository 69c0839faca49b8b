#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"

namespace upkeep {

/// Asked right before what changes something, when nothing has to be waited for any more: an error
/// is what stands in the way, and nothing is sent.
using LastWord = std::function<Result<void>()>;

/// How long something may take, its wait for a place or a turn included, and who has the last word
/// on what it sends; empty: nobody.
struct Terms {
  template <class Rep, class Period>
  Terms(std::chrono::duration<Rep, Period> within, LastWord asked = {})
      : deadline(std::chrono::duration_cast<Duration>(within)), last_word(std::move(asked)) {}

  Duration deadline;
  LastWord last_word;

  [[nodiscard]] Result<void> ask() const { return last_word ? last_word() : Result<void>{}; }
};

}  // namespace upkeep
