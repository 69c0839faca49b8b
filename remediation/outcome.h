#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace upkeep {

/// What became of an action.
struct Outcome {
  enum class Kind {
    succeeded,
    failed,
    timed_out,    ///< May still happen; nothing more is sent to the target until it ends.
    refused,      ///< The last look closed a gate, or nothing could be sent; costs no attempt.
    conflict,     ///< Somebody else did it, or the facts changed; costs no attempt.
    ineffective,  ///< The command succeeded, the problem is still there.
    interrupted,  ///< The daemon went away between begin and end, and the effect isn't there.
  };
  Kind kind = Kind::failed;
  std::string reason;  ///< A closed word: an Errc or a Hold; empty when succeeded.
  std::string detail;  ///< The sentence.

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline constexpr std::array kOutcomeKinds{Outcome::Kind::succeeded,  Outcome::Kind::failed,
                                          Outcome::Kind::timed_out,  Outcome::Kind::refused,
                                          Outcome::Kind::conflict,   Outcome::Kind::ineffective,
                                          Outcome::Kind::interrupted};

/// Journal word; never rename.
[[nodiscard]] std::string_view to_string(Outcome::Kind kind);
[[nodiscard]] std::optional<Outcome::Kind> to_outcome_kind(std::string_view word);
/// False for refused and conflict.
[[nodiscard]] bool costs_attempt(const Outcome& outcome);
/// Refused by no gate: there was no time, no place, no thread or no reading for it.
[[nodiscard]] bool could_not_be_sent(const Outcome& outcome);

}  // namespace upkeep
