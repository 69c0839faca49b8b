#include "app/daemon/watched_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

constexpr const char* kFirst = "first-0123456789abcdef";
constexpr const char* kSecond = "second-0123456789abcdef";

class WatchedTokenTest : public testing::Test {
 protected:
  void SetUp() override {
    write(kFirst);
    auto opened = WatchedToken::open(
        file_, MissingToken::refuse,
        {.clock = clock_, .log = log_, .changed = [this](bool taken) { told_.push_back(taken); }});
    ASSERT_TRUE(opened) << opened.error().message;
    token_ = std::move(*opened);
  }

  /// Another file under the name, as a careful person changes it.
  void write(const std::string& text, fs::perms perms = fs::perms::owner_read) {
    const fs::path draft = dir_ / "draft";
    std::ofstream(draft) << text;
    fs::permissions(draft, perms);
    fs::rename(draft, file_);
  }
  /// The token in effect when the file is due to be looked at.
  std::string later() {
    clock_.advance(1s);
    return token_->current();
  }

  test::TempDir dir_;
  fs::path file_ = dir_ / "token";
  test::FakeClock clock_;
  std::vector<std::string> lines_;
  Log log_{clock_, {.sink = [this](std::string_view line) { lines_.emplace_back(line); }}};
  std::vector<bool> told_;
  std::unique_ptr<WatchedToken> token_;
};

TEST_F(WatchedTokenTest, IsTheNewOneOnceTheFileWasChanged) {
  EXPECT_EQ(token_->current(), kFirst);
  write(kSecond);
  EXPECT_EQ(later(), kSecond);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr("new token"));
  EXPECT_THAT(lines_[0], HasSubstr(file_.string()));
  EXPECT_THAT(lines_[0], Not(HasSubstr(kSecond))) << "nobody learns it from the log";
  EXPECT_THAT(told_, ElementsAre(true));
}

TEST_F(WatchedTokenTest, LooksAtTheFileOnceASecondAtMost) {
  write(kSecond);
  clock_.advance(999ms);
  EXPECT_EQ(token_->current(), kFirst);
  clock_.advance(1ms);
  EXPECT_EQ(token_->current(), kSecond);
  write(kFirst);
  EXPECT_EQ(token_->current(), kSecond) << "looked at just now";
  EXPECT_EQ(later(), kFirst);
}

TEST_F(WatchedTokenTest, SeesAFileThatIsWrittenInPlace) {
  fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(later(), kFirst);
  std::ofstream(file_) << kSecond << '\n';
  EXPECT_EQ(later(), kSecond);
}

TEST_F(WatchedTokenTest, SaysNothingOfAFileThatHoldsTheSame) {
  write(kFirst);
  EXPECT_EQ(later(), kFirst);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(WatchedTokenTest, KeepsTheTokenWhenTheFileIsOfNoUse) {
  const std::vector<std::function<void()>> faults{
      [this] { write(""); },
      [this] { write("short\n"); },
      [this] { write(std::string(5000, 'x')); },
      [this] { write(kSecond, fs::perms::owner_read | fs::perms::others_read); },
      [this] { fs::remove(file_); },
      [this] { fs::create_directory(file_); },
      [this] {
        fs::remove(file_);
        EXPECT_EQ(::mkfifo(file_.c_str(), 0600), 0);
      },
      [this] {
        fs::remove(file_);
        fs::create_symlink(file_, file_);
      },
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    faults[i]();
    EXPECT_EQ(later(), kFirst) << i;
    EXPECT_EQ(later(), kFirst) << i;
    EXPECT_EQ(token_->current(), kFirst) << i;
    ASSERT_EQ(lines_.size(), i + 1) << "one line for each change, not for each request";
    EXPECT_THAT(lines_.back(), HasSubstr("stays in effect"));
    EXPECT_EQ(told_, std::vector<bool>(i + 1, false));
  }
  fs::remove(file_);
  write(kSecond);
  EXPECT_EQ(later(), kSecond);
  EXPECT_TRUE(told_.back());
}

TEST_F(WatchedTokenTest, TakesAFileThatWasMendedByItsPermissionsAlone) {
  write(kSecond, fs::perms::owner_read | fs::perms::group_read);
  EXPECT_EQ(later(), kFirst);
  EXPECT_THAT(lines_.back(), HasSubstr("chmod 600"));
  fs::permissions(file_, fs::perms::owner_read);
  EXPECT_EQ(later(), kSecond);
}

TEST_F(WatchedTokenTest, NeverMakesAFileThatSomebodyRemoved) {
  auto made = WatchedToken::open(dir_ / "made", MissingToken::make,
                                 {.clock = clock_, .log = log_, .changed = {}});
  ASSERT_TRUE(made) << made.error().message;
  const std::string token = (*made)->current();
  fs::remove(dir_ / "made");
  clock_.advance(1s);
  EXPECT_EQ((*made)->current(), token);
  EXPECT_FALSE(fs::exists(dir_ / "made"));
}

TEST_F(WatchedTokenTest, DoesNotOpenWithoutAFileThatCanBeTaken) {
  const auto opened = WatchedToken::open(dir_ / "no", MissingToken::refuse,
                                         {.clock = clock_, .log = log_, .changed = {}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_found);
}

TEST_F(WatchedTokenTest, MayBeAskedByManyAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 200; ++n) {
        const std::string token = later();
        EXPECT_TRUE(token == kFirst || token == kSecond) << token;
      }
    });
  }
  for (int n = 0; n < 50; ++n) write(n % 2 == 0 ? kSecond : kFirst);
  threads.clear();
  EXPECT_EQ(later(), kFirst) << "the last one that was written";
}

}  // namespace
}  // namespace upkeep
