#include "app/daemon/control_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

class ControlTokenTest : public testing::Test {
 protected:
  void write(const std::string& text, fs::perms perms = fs::perms::owner_read) {
    std::ofstream(file_) << text;
    fs::permissions(file_, perms);
  }

  test::TempDir dir_;
  fs::path file_ = dir_.path() / "token";
};

TEST_F(ControlTokenTest, MakesOneThatOnlyTheOwnerCanRead) {
  const auto made = control_token(file_, MissingToken::make);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), 64U);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(control_token(file_, MissingToken::make), made) << "and keeps it";

  fs::remove(file_);
  EXPECT_NE(control_token(file_, MissingToken::make), made);
}

TEST_F(ControlTokenTest, MakesOneAfterAPowerCutWhileItWasMade) {
  std::ofstream(file_.string() + ".new") << "";
  const auto made = control_token(file_, MissingToken::make);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(control_token(file_, MissingToken::refuse), made);
  EXPECT_FALSE(fs::exists(file_.string() + ".new"));
}

TEST_F(ControlTokenTest, ReplacesNothingThatSomebodyPutThere) {
  fs::create_symlink(dir_.path() / "nowhere", file_);  // Looks missing when it is opened.
  EXPECT_FALSE(control_token(file_, MissingToken::make));
  EXPECT_TRUE(fs::is_symlink(file_));
  EXPECT_FALSE(fs::exists(dir_.path() / "nowhere"));
}

TEST_F(ControlTokenTest, DoesNotMakeTheOneAPersonNamed) {
  const auto token = control_token(file_, MissingToken::refuse);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, Errc::not_found);
  EXPECT_THAT(token.error().message, HasSubstr("openssl rand -hex 32 > " + file_.string()));
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(ControlTokenTest, TakesTheFirstWord) {
  write("  0123456789abcdef \nnot this\n");
  EXPECT_EQ(control_token(file_, MissingToken::refuse), "0123456789abcdef");
}

TEST_F(ControlTokenTest, RefusesWhatOthersMayRead) {
  write("0123456789abcdef\n", fs::perms::owner_read | fs::perms::group_read);
  const auto token = control_token(file_, MissingToken::make);
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("chmod 600"));
}

TEST_F(ControlTokenTest, RefusesATokenThatCanBeGuessed) {
  write("secret\n");
  EXPECT_FALSE(control_token(file_, MissingToken::make));
  fs::remove(file_);
  write("");
  EXPECT_FALSE(control_token(file_, MissingToken::make));
}

TEST_F(ControlTokenTest, NamesAPlaceThatIsNotThere) {
  const auto token = control_token(dir_.path() / "no/such/token", MissingToken::make);
  ASSERT_FALSE(token);
  EXPECT_THAT(token.error().message, HasSubstr("no/such/token"));
}

}  // namespace
}  // namespace upkeep
