#pragma once

#include <filesystem>
#include <string>

#include "exporter/model/result.h"

namespace upkeep {

/// What to do when there is no token file.
enum class MissingToken {
  make,    ///< Beside the journal: one is made (0600).
  refuse,  ///< A person named the file: an Error that says how to make it.
};

/// The control listener's bearer token: the first word of the file. A file that others may read or
/// that is larger than 4 KiB, or a token shorter than 16 characters, is an Error that says what to
/// do.
[[nodiscard]] Result<std::string> control_token(const std::filesystem::path& file,
                                                MissingToken missing);

}  // namespace upkeep
