#include "app/cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "app/cli/exit_code.h"
#include "tests/support/temp_dir.h"

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PrepareRun : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("UPKEEP_CONFIG");
    line_.command = RunCommand{.log_format = "json", .log_level = "debug"};
    line_.root = dir_.path();
  }
  void write(const std::string& name, const std::string& text) {
    const fs::path file = dir_.path() / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  test::TempDir dir_;
  CommandLine line_;
};

TEST_F(PrepareRun, TakesTheFileThatIsThere) {
  write("etc/upkeep/upkeep.toml", "mode = \"dry-run\"\n");
  const auto run = prepare_run(line_);
  ASSERT_TRUE(run.has_value()) << run.error().text;
  EXPECT_EQ(run->options.config.mode, Mode::dry_run);
  EXPECT_EQ(run->options.config_file, dir_.path() / "etc/upkeep/upkeep.toml");
  EXPECT_EQ(run->options.root, dir_.path());
  EXPECT_EQ(run->options.log_format, "json");
  EXPECT_EQ(run->options.log_level, "debug");
  EXPECT_FALSE(run->options.demo);
  EXPECT_EQ(run->notice, "");
}

TEST_F(PrepareRun, OnlyObservesWithoutAFileWhereLibvirtdIs) {
  for (const char* socket : {"run/libvirt/libvirt-sock", "run/libvirt/virtqemud-sock"}) {
    write(socket, "");
    const auto run = prepare_run(line_);
    ASSERT_TRUE(run.has_value()) << run.error().text;
    EXPECT_EQ(run->options.config.mode, Mode::observe);
    EXPECT_FALSE(run->options.config_file.has_value());
    EXPECT_THAT(run->notice, HasSubstr("only observes"));
    fs::remove_all(dir_.path() / "run");
  }
}

TEST_F(PrepareRun, PointsToTheDemoWhereNothingIs) {
  const auto run = prepare_run(line_);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().exit_code, kUsage);
  EXPECT_THAT(run.error().text, HasSubstr("upkeep run --demo"));
}

TEST_F(PrepareRun, ADemoActsAndIgnoresTheNodesFile) {
  write("etc/upkeep/upkeep.toml", "mode = \"observe\"\n[http]\nlisten = \"10.0.0.1:1\"\n");
  line_.demo = true;
  const auto run = prepare_run(line_);
  ASSERT_TRUE(run.has_value()) << run.error().text;
  EXPECT_TRUE(run->options.demo);
  EXPECT_EQ(run->options.config.mode, Mode::act);
  EXPECT_EQ(to_string(run->options.config.http.listen), "0.0.0.0:9893");
  EXPECT_FALSE(run->options.config_file.has_value());

  // … but not the one it was given.
  line_.config = dir_.path() / "etc/upkeep/upkeep.toml";
  EXPECT_EQ(prepare_run(line_)->options.config.mode, Mode::observe);
}

TEST_F(PrepareRun, AWrongFileStartsNothing) {
  write("etc/upkeep/upkeep.toml", "mode = 1\n");
  write("run/libvirt/libvirt-sock", "");
  const auto run = prepare_run(line_);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().exit_code, kUsage);
  EXPECT_THAT(run.error().text, HasSubstr("upkeep.toml:1:8: mode: "));
}

TEST_F(PrepareRun, AMissingFileThatWasNamedStartsNothing) {
  write("run/libvirt/libvirt-sock", "");
  line_.config = dir_.path() / "other.toml";
  const auto run = prepare_run(line_);
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().exit_code, kUsage);
  EXPECT_THAT(run.error().text, HasSubstr("other.toml: cannot be read"));
}

}  // namespace
}  // namespace upkeep::cli
