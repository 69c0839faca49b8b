#include "app/cli/daemon_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DaemonAddressTest : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("UPKEEP_CONFIG");
    fs::create_directories(dir_.path() / "etc/upkeep");
    line_.root = dir_.path();
  }
  void TearDown() override { unsetenv("UPKEEP_CONFIG"); }

  fs::path write(const std::string& name, const std::string& text) {
    fs::path file = dir_.path() / name;
    std::ofstream(file) << text;
    return file;
  }

  static Instance instance(const std::string& control_url) {
    Instance running;
    running.pid = 1;
    running.control_url = control_url;
    running.public_url = "http://127.0.0.1:2";
    running.token_file = "/running/token";
    running.journal = "/running/upkeep.db";
    return running;
  }

  [[nodiscard]] DaemonAddress found(const std::vector<Instance>& running = {}) const {
    const auto address = find_daemon(line_, running);
    EXPECT_TRUE(address.has_value()) << address.error().message;
    return address.value_or(DaemonAddress{});
  }

  test::TempDir dir_;
  CommandLine line_;
};

TEST_F(DaemonAddressTest, WithoutAnythingIsTheDefaults) {
  const DaemonAddress address = found();
  EXPECT_EQ(address.control_url, "http://127.0.0.1:9894");
  EXPECT_EQ(address.public_url, "http://127.0.0.1:9893");
  EXPECT_EQ(address.token_file, "/var/lib/upkeep/token");
  EXPECT_EQ(address.journal, "/var/lib/upkeep/upkeep.db");
  EXPECT_FALSE(address.demo);
}

TEST_F(DaemonAddressTest, OptionGoesBeforeEnvironmentBeforeTheUsualPlace) {
  write("etc/upkeep/upkeep.toml", "[http]\ncontrol_listen = \"127.0.0.1:3\"\n");
  EXPECT_EQ(found().control_url, "http://127.0.0.1:3");

  const fs::path named = write("named.toml", "[http]\ncontrol_listen = \"127.0.0.1:4\"\n");
  setenv("UPKEEP_CONFIG", named.c_str(), 1);
  EXPECT_EQ(found().control_url, "http://127.0.0.1:4");

  line_.config = write("option.toml", "[http]\ncontrol_listen = \"127.0.0.1:5\"\n");
  EXPECT_EQ(found().control_url, "http://127.0.0.1:5");
}

TEST_F(DaemonAddressTest, TheFileSaysWhereItsJournalIs) {
  line_.config = write("u.toml", "mode = \"act\"\n[journal]\npath = \"/srv/u.db\"\n");
  const DaemonAddress address = found();
  EXPECT_EQ(address.journal, "/srv/u.db");
  EXPECT_EQ(address.token_file, "/srv/token");
  EXPECT_EQ(address.config.mode, Mode::act);
}

TEST_F(DaemonAddressTest, ARunningDaemonKnowsItsPort) {
  line_.config = write("u.toml", "[http]\ncontrol_listen = \"127.0.0.1:0\"\n");
  EXPECT_EQ(found().control_url, "");  // nobody knows it

  Instance running = instance("http://127.0.0.1:40001");
  running.config_file = dir_.path() / "." / "u.toml";  // the same file, written otherwise
  EXPECT_EQ(found({running}).control_url, "http://127.0.0.1:40001");
  EXPECT_EQ(found({running}).token_file, "/running/token");
}

TEST_F(DaemonAddressTest, ARunningDaemonIsFoundAlsoWhenItsFileIsWrongNow) {
  line_.config = write("u.toml", "mode = 1\n");
  Instance running = instance("http://127.0.0.1:40001");
  running.config_file = *line_.config;
  EXPECT_EQ(found({running}).control_url, "http://127.0.0.1:40001");
}

TEST_F(DaemonAddressTest, AnotherFilesDaemonIsNotMeant) {
  line_.config = write("u.toml", "[http]\ncontrol_listen = \"127.0.0.1:5\"\n");
  Instance other = instance("http://127.0.0.1:40001");
  other.config_file = write("other.toml", "");
  Instance without = instance("http://127.0.0.1:40002");
  Instance demo = instance("http://127.0.0.1:40003");
  demo.demo = true;
  EXPECT_EQ(found({other, without, demo}).control_url, "http://127.0.0.1:5");
}

TEST_F(DaemonAddressTest, WithoutAFileTheDaemonWithoutOneGoesBeforeADemo) {
  Instance demo = instance("http://127.0.0.1:40003");
  demo.demo = true;
  EXPECT_EQ(found({demo}).control_url, "http://127.0.0.1:40003");
  EXPECT_TRUE(found({demo}).demo);
  const Instance without = instance("http://127.0.0.1:40002");
  EXPECT_EQ(found({demo, without}).control_url, "http://127.0.0.1:40002");
}

TEST_F(DaemonAddressTest, DemoMeansTheDemoWhateverElseThereIs) {
  write("etc/upkeep/upkeep.toml", "");
  line_.demo = true;
  Instance demo = instance("http://127.0.0.1:40003");
  demo.demo = true;
  EXPECT_EQ(found({instance("http://127.0.0.1:40002"), demo}).control_url,
            "http://127.0.0.1:40003");

  const auto none = find_daemon(line_, {instance("http://127.0.0.1:40002")});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, Errc::unavailable);
  EXPECT_THAT(none.error().message, HasSubstr("upkeep run --demo"));
}

TEST_F(DaemonAddressTest, AWrongFileIsAnErrorAndNoGuess) {
  write("etc/upkeep/upkeep.toml", "mode = 1\n");
  const auto address = find_daemon(line_, {instance("http://127.0.0.1:40002")});
  ASSERT_FALSE(address.has_value());
  EXPECT_THAT(address.error().message, HasSubstr("upkeep.toml:1:8: mode: "));

  line_.config = dir_.path() / "missing.toml";
  EXPECT_EQ(find_daemon(line_, {}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace upkeep::cli
