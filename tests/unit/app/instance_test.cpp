#include "app/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace upkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A directory of its own for each test, as a daemon would make it.
class InstanceFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "upkeep-instance-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    base_ = name;
    dir_ = base_ / "run";
  }
  void TearDown() override { fs::remove_all(base_); }

  static Instance running(bool demo = false) {
    Instance instance;
    instance.pid = getpid();
    instance.started = WallTime(std::chrono::seconds(1'772'334'590));
    instance.control_url = "http://127.0.0.1:40001";
    instance.public_url = "http://127.0.0.1:40002";
    instance.token_file = "/var/lib/upkeep/token";
    instance.journal = "/var/lib/upkeep/upkeep.db";
    instance.demo = demo;
    instance.config_file = "/etc/upkeep/upkeep.toml";
    return instance;
  }

  fs::path base_, dir_;
};

TEST_F(InstanceFileTest, TellsTheCommandLineWhereTheDaemonIs) {
  const auto file = InstanceFile::write(running(), dir_);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->path(), dir_ / "instance.json");
  EXPECT_THAT(running_instances({dir_}), ElementsAre(running()));
}

TEST_F(InstanceFileTest, IsGoneWhenTheDaemonIs) {
  {
    const auto file = InstanceFile::write(running(), dir_);
    ASSERT_TRUE(file.has_value());
    EXPECT_TRUE(fs::exists(dir_ / "instance.json"));
  }
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(InstanceFileTest, LeavesASuccessorsFileAlone) {
  Instance successor = running();
  successor.pid = 1;
  std::optional<InstanceFile> theirs;
  {
    const auto ours = InstanceFile::write(running(), dir_);
    ASSERT_TRUE(ours.has_value());
    auto written = InstanceFile::write(successor, dir_);
    ASSERT_TRUE(written.has_value());
    theirs.emplace(std::move(*written));
  }
  EXPECT_TRUE(fs::exists(dir_ / "instance.json"));
}

TEST_F(InstanceFileTest, ADemoRunsBesideTheRealOne) {
  const auto real = InstanceFile::write(running(), dir_);
  const auto demo = InstanceFile::write(running(true), dir_);
  ASSERT_TRUE(real.has_value());
  ASSERT_TRUE(demo.has_value());
  EXPECT_THAT(running_instances({dir_}), ElementsAre(running(), running(true)));
}

TEST_F(InstanceFileTest, OfADeadProcessCountsForNothing) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_GT(child, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  Instance dead = running();
  dead.pid = child;
  const auto file = InstanceFile::write(dead, dir_);
  ASSERT_TRUE(file.has_value());
  EXPECT_THAT(running_instances({dir_}), IsEmpty());
}

TEST_F(InstanceFileTest, OfALaterProcessWithTheSameNumberCountsForNothing) {
  const auto file = InstanceFile::write(running(), dir_);
  ASSERT_TRUE(file.has_value());
  std::ostringstream text;
  text << std::ifstream(file->path()).rdbuf();
  std::string changed = text.str();
  const std::size_t ticks = changed.find("\"start_ticks\": \"");
  ASSERT_NE(ticks, std::string::npos);
  changed.insert(ticks + 16, "9");
  std::ofstream(file->path()) << changed;
  EXPECT_THAT(running_instances({dir_}), IsEmpty());
}

TEST_F(InstanceFileTest, ThatOthersCouldHaveWrittenIsNotBelieved) {
  const auto file = InstanceFile::write(running(), dir_);
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ(chmod(file->path().c_str(), 0666), 0);
  EXPECT_THAT(running_instances({dir_}), IsEmpty());
  ASSERT_EQ(chmod(file->path().c_str(), 0644), 0);
  EXPECT_EQ(running_instances({dir_}).size(), 1U);
  ASSERT_EQ(chmod(dir_.c_str(), 0777), 0);
  EXPECT_THAT(running_instances({dir_}), IsEmpty());
}

TEST_F(InstanceFileTest, IsNotFollowedThroughALink) {
  const auto file = InstanceFile::write(running(), base_ / "elsewhere");
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(ensure_runtime_dir(dir_).has_value());
  fs::create_symlink(file->path(), dir_ / "instance.json");
  EXPECT_THAT(running_instances({dir_}), IsEmpty());
}

TEST_F(InstanceFileTest, GarbageIsNoDaemon) {
  ASSERT_TRUE(ensure_runtime_dir(dir_).has_value());
  for (const char* text :
       {"", "{", "[]", "null", "{\"pid\": \"one\"}", "{\"pid\": 1}", "\xff\xfe"}) {
    std::ofstream(dir_ / "instance.json") << text;
    ASSERT_EQ(chmod((dir_ / "instance.json").c_str(), 0644), 0);
    EXPECT_THAT(running_instances({dir_}), IsEmpty()) << text;
  }
}

TEST_F(InstanceFileTest, IsNotWrittenWhereOthersMayWrite) {
  fs::create_directory(dir_);
  ASSERT_EQ(chmod(dir_.c_str(), 01777), 0);
  const auto file = InstanceFile::write(running(), dir_);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Errc::denied);
  EXPECT_THAT(file.error().message, HasSubstr(dir_.string()));
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(InstanceFileTest, IsForItsOwnerOnlyOutsideRun) {
  const auto file = InstanceFile::write(running(), dir_);
  ASSERT_TRUE(file.has_value());
  struct stat status{};
  ASSERT_EQ(stat(dir_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST(RuntimeDir, IsTheNamedOneAndNoOther) {
  ASSERT_EQ(setenv("UPKEEP_RUNTIME_DIR", "/somewhere", 1), 0);
  EXPECT_EQ(runtime_dir(), "/somewhere");
  EXPECT_THAT(instance_dirs(), ElementsAre("/somewhere"));
  ASSERT_EQ(unsetenv("UPKEEP_RUNTIME_DIR"), 0);
}

TEST(RuntimeDir, IsRunForRootElseTheUsersOwn) {
  ASSERT_EQ(setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1), 0);
  EXPECT_EQ(runtime_dir(), geteuid() == 0 ? "/run/upkeep" : "/run/user/1000/upkeep");
  ASSERT_EQ(unsetenv("XDG_RUNTIME_DIR"), 0);
  if (geteuid() != 0) {
    EXPECT_EQ(runtime_dir(), "/tmp/upkeep-" + std::to_string(geteuid()));
  }
  // Root's daemon is found by everybody.
  EXPECT_EQ(instance_dirs().back(), "/run/upkeep");
}

}  // namespace
}  // namespace upkeep
