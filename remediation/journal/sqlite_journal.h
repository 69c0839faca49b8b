#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/unique_fd.h"
#include "remediation/journal.h"

namespace SQLite {
class Database;
}  // namespace SQLite

namespace upkeep {

struct OpenedJournal;

/// The journal in an SQLite file: WAL, synchronous=FULL, so that what was written survives a power
/// cut at any byte. One thread only. Its times are whole microseconds.
class SqliteJournal final : public Journal {
 public:
  /// Opens or creates the journal for writing. Only one process at a time may: Errc::conflict when
  /// another one does. A damaged file is set aside and an empty one started; a file that can't be
  /// reached, isn't ours or is a newer upkeep's is an Error that says what to do, and is left as it
  /// is.
  [[nodiscard]] static Result<OpenedJournal> open(const std::filesystem::path& path);

  /// Opens an existing journal for `load` and `history` only, also while a daemon writes it; every
  /// writing call returns Errc::denied. Repairs nothing, sets nothing aside.
  [[nodiscard]] static Result<std::unique_ptr<SqliteJournal>> open_read_only(
      const std::filesystem::path& path);

  ~SqliteJournal() override;

  [[nodiscard]] Result<JournalState> load() override;
  [[nodiscard]] Result<void> record_boot(const BootRecord& boot) override;
  [[nodiscard]] Result<void> heartbeat(WallTime at) override;
  [[nodiscard]] Result<void> save(const std::vector<Intent>& intents) override;
  [[nodiscard]] Result<void> save(const std::vector<TargetRecord>& targets) override;
  [[nodiscard]] Result<void> save(
      const BootId& boot, const std::map<ResourceName, ResourceHistory>& resources) override;
  [[nodiscard]] Result<void> save(const PrimaryKey& side, const LastPrimary& line) override;
  [[nodiscard]] Result<void> save(const Standing& standing) override;
  [[nodiscard]] Result<void> forget(const StandingKey& standing) override;
  [[nodiscard]] Result<std::int64_t> begin(const ActionRecord& action,
                                           const TargetRecord& after) override;
  [[nodiscard]] Result<void> end(const std::vector<EndRecord>& ends) override;
  [[nodiscard]] Result<std::optional<AlertRecord>> alert(const AlertKey& key) override;
  [[nodiscard]] Result<void> save(const std::vector<AlertRecord>& alerts,
                                  const std::vector<HistoryEntry>& lines) override;
  [[nodiscard]] Result<void> note(const std::vector<HistoryEntry>& entries) override;
  [[nodiscard]] Result<std::vector<HistoryEntry>> history(const HistoryQuery& query) override;
  [[nodiscard]] Result<void> save(const Recovery& recovery) override;
  [[nodiscard]] Result<std::optional<Recovery>> recovery(std::int64_t id) override;
  [[nodiscard]] Result<void> prune(WallTime before) override;

 private:
  enum class Access { writing, reading };
  SqliteJournal(std::filesystem::path path, std::unique_ptr<SQLite::Database> database,
                Access access, UniqueFd lock);

  /// Runs `write` in a transaction; an exception becomes an Error and leaves nothing behind.
  template <class Write>
  [[nodiscard]] Result<void> write(Write write);

  std::filesystem::path path_;
  UniqueFd lock_;  ///< Outlives the database: nobody may open it before it is closed.
  std::unique_ptr<SQLite::Database> database_;
  Access access_;
};

/// A journal that can be written.
struct OpenedJournal {
  std::unique_ptr<SqliteJournal> journal;
  /// Set when what was there was damaged: one sentence for the log, naming the old file's new
  /// name. The memory is empty then, so the daemon must only observe.
  std::optional<std::string> set_aside;
};

}  // namespace upkeep
