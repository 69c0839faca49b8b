#include "remediation/stop_cause.h"

#include <array>

namespace upkeep {
namespace {

struct CauseWord {
  StopCause cause;
  std::string_view word;
};

constexpr std::array kCauseWords{
    CauseWord{StopCause::none, "none"},
    CauseWord{StopCause::never_ran, "never_ran"},
    CauseWord{StopCause::guest_shutdown, "guest_shutdown"},
    CauseWord{StopCause::operator_destroy, "operator_destroy"},
    CauseWord{StopCause::saved, "saved"},
    CauseWord{StopCause::moved_away, "moved_away"},
    CauseWord{StopCause::undefined_vm, "undefined_vm"},
    CauseWord{StopCause::crashed, "crashed"},
    CauseWord{StopCause::start_failed, "start_failed"},
    CauseWord{StopCause::host_shutdown, "host_shutdown"},
    CauseWord{StopCause::node_down, "node_down"},
    CauseWord{StopCause::unobserved, "unobserved"},
};

consteval bool in_enum_order() {
  for (std::size_t i = 0; i < kCauseWords.size(); ++i) {
    if (static_cast<std::size_t>(kCauseWords[i].cause) != i) return false;
  }
  return kCauseWords.back().cause == StopCause::unobserved;
}
static_assert(in_enum_order(), "a StopCause is missing here, or out of order");

constexpr std::array<std::string_view, 4> kRemainsWords{"unknown", "nothing", "dead_guest",
                                                        "dropped"};
static_assert(kRemainsWords.size() == static_cast<std::size_t>(Remains::dropped) + 1,
              "a Remains is missing here");

}  // namespace

std::string_view to_string(StopCause cause) {
  return kCauseWords[static_cast<std::size_t>(cause)].word;
}

std::optional<StopCause> to_stop_cause(std::string_view word) {
  for (const CauseWord& entry : kCauseWords) {
    if (entry.word == word) return entry.cause;
  }
  return std::nullopt;
}

std::string_view to_string(Remains remains) {
  return kRemainsWords.at(static_cast<std::size_t>(remains));
}

std::optional<Remains> to_remains(std::string_view word) {
  for (std::size_t i = 0; i < kRemainsWords.size(); ++i) {
    if (kRemainsWords.at(i) == word) return static_cast<Remains>(i);
  }
  return std::nullopt;
}

bool is_deliberate(StopCause cause, GuestShutdown guest_shutdown) {
  switch (cause) {
    case StopCause::guest_shutdown: return guest_shutdown == GuestShutdown::respect;
    case StopCause::operator_destroy:
    case StopCause::saved:
    case StopCause::moved_away:
    case StopCause::undefined_vm: return true;
    case StopCause::none:
    case StopCause::never_ran:
    case StopCause::crashed:
    case StopCause::start_failed:
    case StopCause::host_shutdown:
    case StopCause::node_down:
    case StopCause::unobserved: return false;
  }
  return false;
}

}  // namespace upkeep
