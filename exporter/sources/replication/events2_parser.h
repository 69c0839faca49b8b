#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace upkeep {

/// What a line of `drbdsetup events2` says happened.
enum class Events2Verb { exists, create, change, destroy, rename, call, response, other };

/// To what. `end_of_dump` is the "-" of `exists -`.
enum class Events2Object {
  resource,
  device,
  connection,
  peer_device,
  path,
  helper,
  end_of_dump,
  skipped,  ///< "- skipped N": DRBD 8.4's tool lost N messages.
  other,
};

/// One line of `drbdsetup events2`, of DRBD 8.4 as of 9, with or without `--timestamps`,
/// `--statistics`, `--full`, `--diff`. The views point into the line.
struct Events2Line {
  Events2Verb verb = Events2Verb::other;
  Events2Object object = Events2Object::other;
  std::string_view timestamp;  ///< When it was printed; empty without --timestamps.
  std::vector<std::pair<std::string_view, std::string_view>> values;  ///< Of OLD->NEW, the NEW.
  std::vector<std::string_view> unknown;  ///< Words and keys this program does not know.

  /// The value of a key, or nothing.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const;
};

/// Reads a line. Anything at all may come in: what isn't understood is in `unknown`, with verb
/// and object as far as they were. Pure.
[[nodiscard]] Events2Line parse_events2_line(std::string_view text);

}  // namespace upkeep
