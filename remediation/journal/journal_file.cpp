#include "remediation/journal/journal_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <system_error>

#include "remediation/journal/schema.h"
#include "remediation/journal/sql.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

constexpr std::array kCompanions{"-wal", "-shm", "-journal"};

fs::path with_suffix(const fs::path& path, std::string_view suffix) {
  fs::path extended = path;
  extended += suffix;
  return extended;
}

std::unexpected<Error> failure(const fs::path& journal, std::string_view attempt, int number) {
  const std::string reason = std::error_code(number, std::generic_category()).message();
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return fail(Errc::exhausted, fmt::format("journal {}: {}: {}: make room on its disk",
                                               journal.string(), attempt, reason));
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(Errc::denied,
                  fmt::format("journal {}: {}: {}: give upkeep's user write permission there, or "
                              "set journal.path to another place",
                              journal.string(), attempt, reason));
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return fail(Errc::invalid,
                  fmt::format("journal {}: {}: {}: set journal.path to a file in a directory",
                              journal.string(), attempt, reason));
    default:
      return fail(Errc::storage, fmt::format("journal {}: {}: {}: check the disk (dmesg)",
                                             journal.string(), attempt, reason));
  }
}

/// Makes a rename in the directory survive a power cut.
void sync_directory(const fs::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

void remove_draft(const fs::path& draft) {
  std::error_code ignored;
  fs::remove(draft, ignored);
  for (const char* companion : kCompanions) fs::remove(with_suffix(draft, companion), ignored);
}

/// Fills an empty file with the tables; everything is in the file itself when this returns.
void write_draft(const fs::path& draft) {
  SQLite::Database database(draft.string(), SQLite::OPEN_READWRITE);
  database.exec("PRAGMA synchronous = FULL");
  create_schema(database);
  // WAL is a property of the file; closing folds the log back into it.
  database.exec("PRAGMA journal_mode = WAL");
}

std::string holder_of(const fs::path& lock) {
  std::ifstream file(lock);
  std::string pid;
  if (!(file >> pid)) return "";
  return fmt::format(" (process {})", pid);
}

}  // namespace

Result<void> make_journal_directory(const fs::path& journal) {
  const fs::path directory = journal.parent_path();
  if (directory.empty()) return {};
  std::error_code error;
  if (fs::is_directory(directory, error)) return {};
  fs::create_directories(directory.parent_path(), error);
  if (error && !directory.parent_path().empty()) {
    return failure(journal, "create " + directory.parent_path().string(), error.value());
  }
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure(journal, "create " + directory.string(), errno);
  }
  return {};
}

Result<UniqueFd> lock_journal(const fs::path& journal) {
  const fs::path lock = with_suffix(journal, ".lock");
  UniqueFd fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return failure(journal, "open " + lock.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(journal, "lock " + lock.string(), errno);
    return fail(Errc::conflict,
                fmt::format("journal {}: another upkeep{} uses it: stop that one first, or set "
                            "journal.path to another place",
                            journal.string(), holder_of(lock)));
  }
  // The number is only for the message above; the lock is flock's.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return failure(journal, "write " + lock.string(), errno);
  }
  return fd;
}

Result<fs::path> set_journal_aside(const fs::path& journal) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const fs::path base = with_suffix(journal, fmt::format(".corrupt-{:%Y%m%dT%H%M%SZ}", now));
  fs::path aside = base;
  std::error_code ignored;
  for (int copy = 2; fs::exists(aside, ignored); ++copy) {
    aside = with_suffix(base, fmt::format(".{}", copy));
  }
  // The log goes last: were we cut short in between, a log alone is found and set aside the next
  // time, while a journal without its log would look whole and have forgotten its last rows.
  if (::rename(journal.c_str(), aside.c_str()) != 0 && errno != ENOENT) {
    return failure(journal, "set aside", errno);
  }
  for (const char* companion : kCompanions) {
    const fs::path from = with_suffix(journal, companion);
    if (::rename(from.c_str(), with_suffix(aside, companion).c_str()) != 0 && errno != ENOENT) {
      return failure(journal, "set aside " + from.string(), errno);
    }
  }
  sync_directory(journal.parent_path().empty() ? "." : journal.parent_path());
  return aside;
}

Result<void> create_journal(const fs::path& journal) {
  const fs::path draft = with_suffix(journal, ".new");
  remove_draft(draft);
  {
    const UniqueFd fd(::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return failure(journal, "create", errno);
  }
  try {
    write_draft(draft);
  } catch (const SQLite::Exception& exception) {
    remove_draft(draft);
    return std::unexpected(to_error(journal.string(), exception));
  }
  const UniqueFd fd(::open(draft.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failure(journal, "write", errno);
  if (::rename(draft.c_str(), journal.c_str()) != 0) return failure(journal, "create", errno);
  sync_directory(journal.parent_path().empty() ? "." : journal.parent_path());
  return {};
}

Result<JournalFound> find_journal(const fs::path& journal) {
  struct ::stat status{};
  if (::stat(journal.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return failure(journal, "open", EISDIR);
    if (status.st_size == 0) return JournalFound{JournalPresence::damaged, "it is empty"};
    return JournalFound{};
  }
  if (errno != ENOENT) return failure(journal, "open", errno);
  // A log without its journal would be taken for the log of the next one.
  const fs::path log = with_suffix(journal, "-wal");
  if (::stat(log.c_str(), &status) == 0) {
    return JournalFound{JournalPresence::damaged, "only its log (-wal) is left"};
  }
  return JournalFound{JournalPresence::absent, ""};
}

}  // namespace upkeep
