#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace upkeep {

/// Why something failed. Closed: the names are metric label values and journal words.
enum class Errc {
  unavailable,  ///< The other side (libvirtd, DRBD, a file) can't be asked just now.
  timed_out,    ///< No answer within the deadline; what was asked may still happen.
  not_found,    ///< The object does not exist.
  conflict,     ///< Somebody else did it, or the facts changed between decision and act.
  denied,       ///< No permission.
  invalid,      ///< The input is wrong; repeating it can't help.
  storage,      ///< A disk or its backing can't be opened.
  exhausted,    ///< No memory, no space, too many files.
  failed,       ///< Anything else the other side refused.
};

/// The word for logs, labels and the journal. Never rename.
[[nodiscard]] constexpr std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::unavailable: return "unavailable";
    case Errc::timed_out: return "timed_out";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::denied: return "denied";
    case Errc::invalid: return "invalid";
    case Errc::storage: return "storage";
    case Errc::exhausted: return "exhausted";
    case Errc::failed: return "failed";
  }
  return "failed";
}

/// A failure: its kind, and a sentence that names object and attempt ("start VM 'web1': no such
/// domain"). Callers prepend context; it is logged once, where it is handled.
struct Error {
  Errc code = Errc::failed;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = std::expected<T, Error>;

/// Shorthand for the failing return of a Result.
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace upkeep
