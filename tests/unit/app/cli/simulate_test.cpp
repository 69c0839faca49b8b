#include "app/cli/simulate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/cli/exit_code.h"
#include "app/cli/simulate_options.h"
#include "tests/support/temp_dir.h"

namespace upkeep::cli {
namespace {

using ::testing::HasSubstr;

struct Ran {
  int exit_code = 0;
  std::string out, err;
};

Ran run_simulate(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "simulate");
  const auto line = parse_command_line(arguments);
  if (!line) return {.exit_code = line.error().exit_code, .out = "", .err = line.error().text};
  std::ostringstream out;
  std::ostringstream err;
  Output output{.out = out, .err = err, .out_style = {}, .err_style = {}};
  const int code = simulate(*line, std::get<SimulateCommand>(line->command), output);
  return {.exit_code = code, .out = out.str(), .err = err.str()};
}

TEST(Simulate, NamesOfVms) {
  EXPECT_EQ(vm_names("3"), (std::vector<std::string>{"vm1", "vm2", "vm3"}));
  EXPECT_EQ(vm_names("62")->front(), "vm01");
  EXPECT_EQ(vm_names("dns=1,db=2"), (std::vector<std::string>{"dns1", "db1", "db2"}));
  for (const char* wrong : {"", "0", "-1", "1001", "db", "db=", "=3", "db=0", "db=1,web", "3x"}) {
    EXPECT_FALSE(vm_names(wrong).has_value()) << wrong;
  }
}

TEST(Simulate, TellsTotalAndComparisonAsJson) {
  const Ran ran = run_simulate({"--nodes", "2", "--vms", "6", "--boot-seconds", "10", "--seed", "7",
                                "--compare", "serial", "--json"});
  ASSERT_EQ(ran.exit_code, kOk) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  const double total = json.at("total_seconds");
  EXPECT_GT(total, 38);
  EXPECT_LT(total, 50);
  const double serial = json.at("serial").at("total_seconds");
  EXPECT_NEAR(serial, 30 + 150 + 60, 6);
  EXPECT_LT(json.at("serial").at("total_seconds_per_node").get<double>(), serial);
  EXPECT_EQ(json.at("options").at("seed"), 7);
  EXPECT_EQ(json.at("vms").size(), 6U);
  EXPECT_EQ(json.at("vms")[0].at("state"), "healthy");
  EXPECT_EQ(json.at("phases").at("verify").size(), 2U);
  EXPECT_EQ(json.at("timeline").back().at("healthy"), 6);
  EXPECT_THAT(json.at("bottleneck").at("sentence").get<std::string>(), HasSubstr("node"));
}

TEST(Simulate, PrintsATableForPeople) {
  const Ran ran = run_simulate({"--nodes", "1", "--vms", "2", "--broken", "1"});
  ASSERT_EQ(ran.exit_code, kOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("upkeep on each node"));
  EXPECT_THAT(ran.out, HasSubstr("verify"));
  EXPECT_THAT(ran.out, HasSubstr("Bottleneck: on node1"));
  EXPECT_THAT(ran.out, HasSubstr("vm1 on node1: unverified"));
  EXPECT_EQ(ran.out.find("one after another"), std::string::npos);
}

TEST(Simulate, TakesThePolicyFromTheConfiguration) {
  const test::TempDir dir;
  const std::string file = dir.path() / "upkeep.toml";
  std::ofstream(file) << "[[vm]]\nmatch = \"web*\"\nkeep = \"down\"\n";
  const Ran ran =
      run_simulate({"--nodes", "1", "--vms", "dns=1,web=1", "--json", "-c", file.c_str()});
  ASSERT_EQ(ran.exit_code, kOk) << ran.err;
  const auto json = nlohmann::json::parse(ran.out);
  EXPECT_TRUE(json.at("vms")[1].at("started_seconds").is_null());
  EXPECT_FALSE(json.at("vms")[0].at("started_seconds").is_null());
}

TEST(Simulate, RefusesWhatMakesNoSense) {
  EXPECT_EQ(run_simulate({"--nodes", "0"}).exit_code, kUsage);
  EXPECT_EQ(run_simulate({"--vms", "many"}).exit_code, kUsage);
  EXPECT_THAT(run_simulate({"--vms", "many"}).err, HasSubstr("'many' is neither"));
  EXPECT_EQ(run_simulate({"--disk-knee", "0"}).exit_code, kUsage);
  EXPECT_EQ(run_simulate({"--boot-seconds", "nan"}).exit_code, kUsage);
  EXPECT_THAT(run_simulate({"--cron-seconds", "nan"}).err, HasSubstr("nan is not a number"));
  EXPECT_THAT(run_simulate({"--compare", "parallel"}).err, HasSubstr("'parallel' is none of"));
  const Ran ran = run_simulate({"--config", "/nowhere/upkeep.toml"});
  EXPECT_EQ(ran.exit_code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("/nowhere/upkeep.toml"));
}

}  // namespace
}  // namespace upkeep::cli
