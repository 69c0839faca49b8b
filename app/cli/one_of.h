#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "app/suggest.h"

namespace upkeep::cli {

/// A validator for CLI11: one of `words`, else a sentence with what was meant.
[[nodiscard]] inline CLI::Validator one_of(std::span<const std::string_view> words) {
  return {[words](const std::string& word) -> std::string {
            if (std::ranges::find(words, word) != words.end()) return {};
            std::string list;
            for (const std::string_view known : words) {
              list += fmt::format("{}{}", list.empty() ? "" : ", ", known);
            }
            return fmt::format("'{}' is none of {}{}", word, list, did_you_mean(word, words));
          },
          ""};
}

}  // namespace upkeep::cli
