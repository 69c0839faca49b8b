#include "app/daemon/refused_bodies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "remediation/journal/sqlite_journal.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const RefusedBody kLarge{.reason = BodyRefusal::too_large, .message = "the body may have 9 bytes"};
const RefusedBody kDeep{.reason = BodyRefusal::too_deep, .message = "it nests too deep"};

class RefusedBodiesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = SqliteJournal::open(dir_ / "upkeep.db");
    ASSERT_TRUE(opened) << opened.error().message;
    journal_ = std::move(opened->journal);
    refused_ = std::make_unique<RefusedBodies>(RefusedBodies::Parts{.clock = clock_,
                                                                    .log = log_,
                                                                    .instruments = instruments_,
                                                                    .inbox = inbox_,
                                                                    .journal = *journal_});
  }

  /// What the loop does when it comes round.
  void step() {
    for (const auto& task : inbox_.take().tasks) task();
  }
  /// Oldest first.
  std::vector<std::string> history() {
    std::vector<std::string> lines;
    const auto entries = journal_->history({.limit = 100, .target = {}, .since = {}});
    EXPECT_TRUE(entries);
    for (const auto& entry : *entries) {
      EXPECT_EQ(entry.kind, "note");
      EXPECT_EQ(entry.target, "");
      lines.insert(lines.begin(), entry.text);
    }
    return lines;
  }
  [[nodiscard]] std::string metrics() const {
    Exposition out;
    instruments_.write(out);
    return std::move(out).take();
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  std::vector<std::string> lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) { lines_.emplace_back(line); }}};
  Instruments instruments_{{.version = "0", .revision = "r"}, {}};
  LoopInbox inbox_{clock_, instruments_, log_};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<RefusedBodies> refused_;
};

TEST_F(RefusedBodiesTest, AreCountedAndTold) {
  refused_->refused(kLarge);
  EXPECT_THAT(metrics(), HasSubstr("upkeep_webhook_refused_total{reason=\"too_large\"} 1\n"));
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("level=warn"), HasSubstr("reason=too_large"),
                                        HasSubstr("the body may have 9 bytes"))));
  EXPECT_THAT(history(), IsEmpty()) << "the journal is the loop's to write";
  step();
  EXPECT_THAT(history(), ElementsAre("a POST to the webhook was refused (too_large): the body may "
                                     "have 9 bytes"));
}

TEST_F(RefusedBodiesTest, GetALineAMinuteForEachReason) {
  for (int i = 0; i < 5; ++i) refused_->refused(kLarge);
  refused_->refused(kDeep);
  clock_.advance(59s);
  refused_->refused(kLarge);
  step();
  EXPECT_EQ(lines_.size(), 2U);
  EXPECT_EQ(history().size(), 2U);
  clock_.advance(1s);
  refused_->refused(kLarge);
  step();
  EXPECT_EQ(lines_.size(), 3U);
  EXPECT_THAT(lines_.back(), HasSubstr("count=6"));
  ASSERT_EQ(history().size(), 3U);
  EXPECT_THAT(history().back(), HasSubstr("; 6 since the last such line"));
  EXPECT_THAT(metrics(), HasSubstr("upkeep_webhook_refused_total{reason=\"too_large\"} 7\n"));
  EXPECT_THAT(metrics(), HasSubstr("upkeep_webhook_refused_total{reason=\"too_deep\"} 1\n"));
}

TEST_F(RefusedBodiesTest, EachReasonHasItsOwnLine) {
  for (const BodyRefusal reason : kBodyRefusals) {
    refused_->refused({.reason = reason, .message = "so"});
  }
  step();
  ASSERT_EQ(history().size(), kBodyRefusals.size());
  for (const BodyRefusal reason : kBodyRefusals) {
    const std::string word(to_string(reason));
    EXPECT_THAT(history(),
                testing::Contains("a POST to the webhook was refused (" + word + "): so"));
    EXPECT_THAT(metrics(), HasSubstr("upkeep_webhook_refused_total{reason=\"" + word + "\"} 1\n"));
  }
}

TEST_F(RefusedBodiesTest, TheirLinesAreWrittenAlsoWhenTheListenersAreGone) {
  refused_->refused(kDeep);
  refused_.reset();
  step();
  EXPECT_EQ(history().size(), 1U);
}

TEST_F(RefusedBodiesTest, AreCountedAlsoWhenTheLoopIsGone) {
  inbox_.close();
  refused_->refused(kDeep);
  EXPECT_EQ(lines_.size(), 1U);
  EXPECT_THAT(metrics(), HasSubstr("upkeep_webhook_refused_total{reason=\"too_deep\"} 1\n"));
}

}  // namespace
}  // namespace upkeep
