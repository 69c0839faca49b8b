#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "exporter/model/result.h"
#include "platform/unique_fd.h"

namespace upkeep {

/// Makes the journal's directory (0700) when it is missing. The parents get the usual permissions.
[[nodiscard]] Result<void> make_journal_directory(const std::filesystem::path& journal);

/// Keeps a second daemon out for as long as the descriptor lives; the kernel drops the lock when
/// the process dies, however it dies.
[[nodiscard]] Result<UniqueFd> lock_journal(const std::filesystem::path& journal);

/// Renames the journal and what belongs to it (-wal, -shm) to `<journal>.corrupt-<UTC time>…`;
/// returns the new name. Nothing is deleted: a person may still want to look.
[[nodiscard]] Result<std::filesystem::path> set_journal_aside(const std::filesystem::path& journal);

/// Makes an empty journal (0600). It appears under its name only when it is complete and on the
/// disk, so that an empty or half-made file under that name always means damage.
[[nodiscard]] Result<void> create_journal(const std::filesystem::path& journal);

/// What is there instead of a whole journal; nothing when a file is there to be opened.
enum class JournalPresence { present, absent, damaged };
struct JournalFound {
  JournalPresence presence = JournalPresence::present;
  std::string why;  ///< Of damage.
};

/// Looks at the names and sizes only.
[[nodiscard]] Result<JournalFound> find_journal(const std::filesystem::path& journal);

}  // namespace upkeep
