// What is left of a journal after power cuts, bad disks and wrong copies: it is opened with
// everything committed, or set aside; never a crash, never a half-true memory taken for a whole.

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "remediation/journal/sqlite_journal.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/remediation/journal/journal_samples.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;
using test::sample_intent;
using test::sample_start;
using test::sample_target;
using test::TempDir;
using test::wall_at;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A journal as it lies on the disk the moment the power goes: the daemon has it open, a part of it
/// is in the file and a part in the log.
class DamagedJournalTest : public ::testing::Test {
 protected:
  static constexpr int kCommits = 24;

  void SetUp() override {
    const fs::path live = dir_ / "live/upkeep.db";
    {
      const auto journal = std::move(SqliteJournal::open(live)->journal);
      for (int i = 0; i < kCommits; ++i) commit(*journal, i);
    }
    // Reopened: the commits so far are in the file, the next ones in its log.
    const auto journal = std::move(SqliteJournal::open(live)->journal);
    for (int i = kCommits; i < 2 * kCommits; ++i) {
      commit(*journal, i);
      log_size_after_.push_back(fs::file_size(live.string() + "-wal"));
    }
    fs::create_directory(dir_ / "cut");
    fs::copy_file(live, dir_ / "cut/upkeep.db");
    fs::copy_file(live.string() + "-wal", dir_ / "cut/upkeep.db-wal");
    fs::copy_file(live.string() + "-shm", dir_ / "cut/upkeep.db-shm");
  }

  /// Commit number `i` is one begin, with its target's line.
  static void commit(SqliteJournal& journal, int i) {
    ASSERT_TRUE(journal.begin(sample_start(fmt::format("vm{}", i), wall_at(i)),
                              sample_target(fmt::format("vm{}", i), 1)));
  }

  /// A fresh copy of the files, and the path of its journal.
  fs::path copy() {
    fs::remove_all(dir_ / "copy");
    fs::copy(dir_ / "cut", dir_ / "copy");
    return dir_ / "copy/upkeep.db";
  }

  static void garble(const fs::path& file, std::uint64_t offset, std::size_t length) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    for (std::size_t i = 0; i < length; ++i) {
      stream.seekg(static_cast<std::streamoff>(offset + i));
      const int byte = stream.get();
      if (byte == EOF) return;
      stream.seekp(static_cast<std::streamoff>(offset + i));
      stream.put(static_cast<char>(byte ^ 0xa5));
    }
  }

  /// Opens the copy; whatever it was, what comes out must work.
  static OpenedJournal must_open(const fs::path& path) {
    auto opened = SqliteJournal::open(path);
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      std::abort();
    }
    EXPECT_TRUE(opened->journal->heartbeat(wall_at(1)));
    EXPECT_TRUE(opened->journal->load());
    return std::move(*opened);
  }

  TempDir dir_;
  std::vector<std::uintmax_t> log_size_after_;
};

TEST_F(DamagedJournalTest, KeepsEveryCommitWhenOnlyThePowerWasCut) {
  const auto opened = must_open(copy());
  EXPECT_EQ(opened.set_aside, std::nullopt);
  EXPECT_THAT(opened.journal->load()->unfinished, SizeIs(2 * kCommits));
}

TEST_F(DamagedJournalTest, ALogCutAnywhereKeepsEveryCommitBeforeTheCut) {
  const std::uintmax_t whole = log_size_after_.back();
  int checked = 0;
  for (std::uintmax_t size = 0; size <= whole; size += 1601) {
    const fs::path path = copy();
    fs::resize_file(path.string() + "-wal", size);
    const auto opened = must_open(path);
    ASSERT_EQ(opened.set_aside, std::nullopt) << "cut at " << size;
    std::size_t committed = kCommits;
    for (const std::uintmax_t end : log_size_after_) committed += end <= size ? 1 : 0;
    const auto state = opened.journal->load();
    ASSERT_EQ(state->unfinished.size(), committed) << "cut at " << size;
    ASSERT_EQ(state->targets.size(), committed) << "cut at " << size;
    ++checked;
  }
  EXPECT_GT(checked, 30);
}

TEST_F(DamagedJournalTest, AGarbledLogLosesAtMostWhatCameAfterTheDamage) {
  const std::uintmax_t whole = log_size_after_.back();
  int kept_all_before = 0;
  for (std::uintmax_t offset = 0; offset < whole; offset += 4999) {
    const fs::path path = copy();
    garble(path.string() + "-wal", offset, 16);
    const auto opened = must_open(path);
    if (opened.set_aside) continue;
    std::size_t before = kCommits;
    for (const std::uintmax_t end : log_size_after_) before += end <= offset ? 1 : 0;
    ASSERT_GE(opened.journal->load()->unfinished.size(), before) << "garbled at " << offset;
    ++kept_all_before;
  }
  EXPECT_GT(kept_all_before, 10);
}

TEST_F(DamagedJournalTest, AGarbledSharedMemoryFileLosesNothing) {
  for (std::uint64_t offset = 0; offset < 256; offset += 16) {
    const fs::path path = copy();
    garble(path.string() + "-shm", offset, 16);
    const auto opened = must_open(path);
    ASSERT_EQ(opened.set_aside, std::nullopt);
    ASSERT_THAT(opened.journal->load()->unfinished, SizeIs(2 * kCommits));
  }
}

TEST_F(DamagedJournalTest, AJournalCutAnywhereOpensOrIsSetAside) {
  const std::uintmax_t whole = fs::file_size(dir_ / "cut/upkeep.db");
  int set_aside = 0;
  for (std::uintmax_t size = 0; size < whole; size += 1777) {
    const fs::path path = copy();
    fs::remove(path.string() + "-wal");  // The log alone could restore the cut pages.
    fs::remove(path.string() + "-shm");
    fs::resize_file(path, size);
    const auto opened = must_open(path);
    if (opened.set_aside) {
      ++set_aside;
      EXPECT_THAT(opened.journal->load()->unfinished, SizeIs(0));
    } else {
      EXPECT_THAT(opened.journal->load()->unfinished, SizeIs(kCommits)) << "cut at " << size;
    }
  }
  EXPECT_GT(set_aside, 10);
}

TEST_F(DamagedJournalTest, AGarbledHeaderByteOpensOrIsSetAside) {
  int set_aside = 0;
  for (std::uint64_t offset = 0; offset < 108; ++offset) {
    const fs::path path = copy();
    fs::remove(path.string() + "-wal");
    fs::remove(path.string() + "-shm");
    garble(path, offset, 1);
    const auto opened = must_open(path);
    if (opened.set_aside) {
      ++set_aside;
    } else {
      EXPECT_THAT(opened.journal->load()->unfinished, SizeIs(kCommits)) << "offset " << offset;
    }
  }
  EXPECT_GT(set_aside, 20);
}

TEST_F(DamagedJournalTest, GarbledPagesOpenOrAreSetAside) {
  constexpr std::uint64_t kPage = 4096;
  const std::uintmax_t whole = fs::file_size(dir_ / "cut/upkeep.db");
  int set_aside = 0;
  for (std::uint64_t page = 0; page < whole; page += kPage) {
    // A page's header, its list of cells, its middle, and its newest cells.
    for (const std::uint64_t place : {0UL, 8UL, 2000UL, 3900UL}) {
      if (page == 0 && place < 108) continue;  // The file's header has a test of its own.
      const fs::path path = copy();
      fs::remove(path.string() + "-wal");
      fs::remove(path.string() + "-shm");
      garble(path, page + place, 24);
      if (must_open(path).set_aside) ++set_aside;
    }
  }
  EXPECT_GT(set_aside, 10);
}

TEST_F(DamagedJournalTest, WhatIsSetAsideIsKeptAndNamedInOneSentence) {
  const fs::path path = copy();
  garble(path, 0, fs::file_size(path));
  const auto opened = must_open(path);
  ASSERT_TRUE(opened.set_aside);
  EXPECT_THAT(*opened.set_aside, HasSubstr(path.string() + " was damaged"));
  EXPECT_THAT(*opened.set_aside, HasSubstr(path.string() + ".corrupt-2"));
  EXPECT_EQ(opened.set_aside->find('\n'), std::string::npos);
  int kept = 0;
  for (const auto& entry : fs::directory_iterator(path.parent_path())) {
    if (entry.path().string().find(".corrupt-") == std::string::npos) continue;
    ++kept;
    if (entry.path().string().ends_with("-wal")) {
      EXPECT_EQ(fs::file_size(entry.path()), log_size_after_.back());
    }
  }
  EXPECT_EQ(kept, 3);
}

TEST_F(DamagedJournalTest, ALogWithoutItsJournalIsNotTakenForTheNextOnes) {
  const fs::path path = copy();
  fs::remove(path);
  const auto opened = must_open(path);
  ASSERT_TRUE(opened.set_aside);
  EXPECT_THAT(opened.journal->load()->unfinished, SizeIs(0));
}

TEST_F(DamagedJournalTest, AWordThatNoUpkeepWroteIsDamage) {
  const fs::path path = copy();
  {
    SQLite::Database database(path.string(), SQLite::OPEN_READWRITE);
    database.exec("UPDATE action SET shown_by = 'evenT' WHERE id = 3");
  }
  const auto opened = must_open(path);
  ASSERT_TRUE(opened.set_aside);
  EXPECT_THAT(*opened.set_aside, HasSubstr("action.shown_by is 'evenT'"));
}

TEST_F(DamagedJournalTest, ANewerUpkeepsJournalIsLeftAlone) {
  const fs::path path = copy();
  {
    SQLite::Database database(path.string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA user_version = 9; UPDATE meta SET value = 9 WHERE key = 'schema'");
  }
  const auto opened = SqliteJournal::open(path);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("a newer upkeep wrote it"));
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(DamagedJournalTest, AnotherProgramsDatabaseIsLeftAlone) {
  const fs::path path = dir_ / "other.db";
  {
    SQLite::Database database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE bookmarks (url TEXT)");
  }
  const auto opened = SqliteJournal::open(path);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("another program's"));
  SQLite::Database database(path.string());
  EXPECT_TRUE(database.tableExists("bookmarks"));
  EXPECT_FALSE(database.tableExists("meta"));
}

}  // namespace
}  // namespace upkeep
