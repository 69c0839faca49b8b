#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace upkeep {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const fs::path kFixtures = fs::path(UPKEEP_FIXTURES) / "config";

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream.is_open()) << file;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<fs::path> fixtures(const char* folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kFixtures / folder))
    files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

/// The lines after "# expect: " at the head of a fixture, each with the file's name put before it.
std::string expected_error(const std::string& text, const std::string& name) {
  constexpr std::string_view kPrefix = "# expect: ";
  std::istringstream lines(text);
  std::string expected;
  for (std::string line; std::getline(lines, line) && line.starts_with(kPrefix);) {
    expected += (expected.empty() ? "" : "\n") + name + ":" + line.substr(kPrefix.size());
  }
  return expected;
}

Config good(const char* name) {
  const Result<Config> config = load_config(kFixtures / "good" / name);
  EXPECT_TRUE(config.has_value()) << config.error().message;
  return config.value_or(Config{});
}

std::string error_of(std::string_view text) {
  const Result<Config> config = parse_config(text, "upkeep.toml");
  EXPECT_FALSE(config.has_value());
  return config ? "" : config.error().message;
}

TEST(Config, RefusesEveryBadFileWithPlaceAndFix) {
  const std::vector<fs::path> files = fixtures("bad");
  ASSERT_GT(files.size(), 60U);
  for (const fs::path& file : files) {
    const std::string text = read_text(file);
    const std::string name = file.filename().string();
    const Result<Config> config = parse_config(text, name);
    ASSERT_FALSE(config.has_value()) << name << " was accepted";
    EXPECT_EQ(config.error().message, expected_error(text, name));
    EXPECT_EQ(config.error().code, Errc::invalid);
  }
}

TEST(Config, TakesEveryGoodFile) {
  const std::vector<fs::path> files = fixtures("good");
  ASSERT_FALSE(files.empty());
  for (const fs::path& file : files) {
    const Result<Config> config = load_config(file);
    EXPECT_TRUE(config.has_value()) << config.error().message;
  }
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  const Config config = good("empty.toml");
  EXPECT_EQ(config.mode, Mode::observe);
  EXPECT_EQ(to_string(config.http.listen), "0.0.0.0:9893");
  EXPECT_TRUE(config.http.listen_allow_from.empty());
  EXPECT_EQ(to_string(config.http.control_listen), "127.0.0.1:9894");
  EXPECT_EQ(config.libvirt, LibvirtConfig{});
  EXPECT_EQ(config.libvirt.uri, "qemu:///system");
  EXPECT_EQ(config.drbd, DrbdAccessConfig{});
  EXPECT_EQ(config.journal, "/var/lib/upkeep/upkeep.db");
  EXPECT_EQ(token_path(config), "/var/lib/upkeep/token");
  EXPECT_EQ(config.policy.allowed_risk, Risk::medium);
  EXPECT_TRUE(config.vms.empty());
  EXPECT_TRUE(config.peers.empty());
}

TEST(Config, ReadsEveryKey) {
  const Config config = good("every_key.toml");
  EXPECT_EQ(config.mode, Mode::act);
  EXPECT_EQ(node_name(config).value, "node1");
  EXPECT_EQ(config.http.listen, (ListenAddress{"10.0.0.1", 19893}));
  EXPECT_EQ(config.http.control_listen, (ListenAddress{"10.0.0.1", 0}));
  EXPECT_THAT(config.http.listen_allow_from, ElementsAre("10.0.0.0/16", "192.0.2.9"));
  EXPECT_THAT(config.http.allow_from, ElementsAre("10.0.0.0/24", "10.0.1.7"));
  EXPECT_EQ(token_path(config), "/etc/upkeep/token");
  EXPECT_EQ(config.libvirt,
            (LibvirtConfig{.uri = "test:///default", .resync_interval = 1h, .stats = false}));
  EXPECT_EQ(config.drbd, (DrbdAccessConfig{.enabled = DrbdUse::off,
                                           .drbdadm = "/opt/drbd/drbdadm",
                                           .drbdsetup = "/opt/drbd/drbdsetup",
                                           .allow_degraded_after = 90min,
                                           .attach_on_primary = true}));
  EXPECT_EQ(config.journal, "/srv/upkeep/journal.db");
  EXPECT_THAT(config.peers, ElementsAre(PeerConfig{{"node2"}, "http://10.0.0.2:9893"},
                                        PeerConfig{{"node3.example"}, "https://[fd00::3]"}));
}

TEST(Config, BecomesThePolicyItDescribes) {
  const Policy policy = to_policy(good("every_key.toml"));
  EXPECT_EQ(policy.mode, Mode::act);
  EXPECT_EQ(policy.allowed_risk, Risk::low);
  EXPECT_EQ(policy.back_off.attempts_per_hour, 9);
  EXPECT_EQ(policy.back_off.first_gap, 500ms);
  EXPECT_EQ(policy.back_off.factor, 1.5);
  EXPECT_EQ(policy.back_off.cap, 90min);
  EXPECT_EQ(policy.back_off.slow_retry, 8h);
  EXPECT_EQ(policy.back_off.stable_window, 90s);
  EXPECT_EQ(policy.startup_grace, 30s);
  EXPECT_EQ(policy.start_deadline, 5min);
  EXPECT_EQ(policy.bring_up_deadline, 45s);
  EXPECT_EQ(policy.guest_shutdown, GuestShutdown::restart);
  EXPECT_THAT(policy.peers, ElementsAre(NodeName{"node2"}, NodeName{"node3.example"}));
  EXPECT_FALSE(policy.foreign_cluster_manager);

  EXPECT_EQ(policy.pacing,
            (StartPacing{
                .slots = 3, .most = 9, .slot_timeout = 90s, .cpu_target = 0.5, .io_target = 0.25}));
  EXPECT_EQ(policy.tier_timeout, 5min);
  EXPECT_EQ(policy.actions_per_hour, 50);
  EXPECT_EQ(policy.storm.share, 0.75);
  EXPECT_EQ(policy.storm.cool_down, 2min);

  ASSERT_EQ(policy.vms.size(), 2U);
  EXPECT_EQ(policy.vms[0].priority, 1);
  EXPECT_THAT(policy.vms[0].after, ElementsAre(VmName{"dns1"}, VmName{"dns2"}));
  EXPECT_EQ(policy.vms[0].weight, 2);
  EXPECT_EQ(policy.vms[0].match, "db[0-9]");
  EXPECT_EQ(policy.vms[0].keep, Keep::up);
  EXPECT_EQ(policy.vms[0].act_on, ActOn::loop);
  EXPECT_TRUE(policy.vms[0].exclusive);
  EXPECT_TRUE(policy.vms[0].keep_disks);
  EXPECT_EQ(policy.allow_degraded_after, 90min);
  EXPECT_TRUE(policy.attach_on_primary);
  EXPECT_EQ(policy.vms[0].guest_shutdown, GuestShutdown::respect);
  EXPECT_EQ(policy.vms[0].health,
            (HealthCheck{.kind = HealthCheck::Kind::tcp, .host = "db1.example", .port = 5432}));
  EXPECT_EQ(policy.vms[0].boot_timeout, 3min);
  EXPECT_EQ(policy.vms[1].keep, Keep::ignore);
  EXPECT_EQ(policy.vms[1].health.kind, HealthCheck::Kind::agent);
  EXPECT_EQ(policy.vms[1].boot_timeout, 300s);
  EXPECT_EQ(policy.vms[1].act_on, ActOn::alerts);
  EXPECT_FALSE(policy.vms[1].exclusive);
  // Not said in the block: what [policy] says holds.
  EXPECT_EQ(policy.vms[1].guest_shutdown, GuestShutdown::restart);
  EXPECT_THAT(policy.alerts,
              ElementsAre(AlertRule{.alertname = "UpkeepVmDown",
                                    .match = {{"cluster", "one"}, {"severity", "critical"}},
                                    .action = AlertAction::restart_vm,
                                    .target_label = "vm"},
                          AlertRule{.alertname = "Watchdog", .action = AlertAction::watchdog}));
}

TEST(Config, TheDefaultPolicyIsThatOfTheCode) {
  const Policy compiled = to_policy(Config{});
  const Policy policy;
  EXPECT_EQ(compiled.mode, policy.mode);
  EXPECT_EQ(compiled.allowed_risk, policy.allowed_risk);
  EXPECT_EQ(compiled.startup_grace, policy.startup_grace);
  EXPECT_EQ(compiled.start_deadline, policy.start_deadline);
  EXPECT_EQ(compiled.bring_up_deadline, policy.bring_up_deadline);
  EXPECT_EQ(compiled.back_off.cap, policy.back_off.cap);
  EXPECT_EQ(compiled.guest_shutdown, policy.guest_shutdown);
  EXPECT_EQ(compiled.pacing, policy.pacing);
  EXPECT_EQ(compiled.storm, policy.storm);
  EXPECT_EQ(compiled.tier_timeout, policy.tier_timeout);
  EXPECT_EQ(compiled.actions_per_hour, policy.actions_per_hour);
}

TEST(Config, TakesAddressesAsPeopleWriteThem) {
  const Config config = good("short_listen.toml");
  EXPECT_EQ(to_string(config.http.listen), "0.0.0.0:9893");
  EXPECT_EQ(to_string(config.http.control_listen), "127.0.0.1:9894");
}

TEST(Config, NamesTheFileThatCannotBeRead) {
  const Result<Config> missing = load_config("/nonexistent/upkeep.toml");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_EQ(missing.error().message,
            "/nonexistent/upkeep.toml: cannot be read: No such file or directory");

  const Result<Config> folder = load_config(kFixtures);
  ASSERT_FALSE(folder.has_value());
  EXPECT_THAT(folder.error().message, HasSubstr("is a directory"));
}

TEST(Config, RefusesWhatIsNoText) {
  EXPECT_THAT(error_of(std::string("\x7f"
                                   "ELF\x02\x01\x00\xff\xfe",
                                   9)),
              StartsWith("upkeep.toml:1:"));
  EXPECT_THAT(error_of(std::string((1U << 20U) + 1, '#')), HasSubstr("larger than 1 MiB"));
  // As deep as a file can be made to nest without a stack overflow being the answer.
  EXPECT_THAT(error_of("mode = " + std::string(100'000, '[')), StartsWith("upkeep.toml:1:"));
}

TEST(Config, TheNodeIsTheHostUnlessNamed) {
  std::array<char, 256> host{};
  ASSERT_EQ(gethostname(host.data(), host.size() - 1), 0);
  EXPECT_EQ(node_name(Config{}).value, host.data());
}

/// The example file without the "#" before each key, so that what it shows is read.
std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    // "#key = value" is a default that is shown; "# words" is a comment.
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
    result += line + "\n";
  }
  return result;
}

const fs::path kExample = fs::path(UPKEEP_FIXTURES) / "../../packaging/upkeep.toml";

TEST(ExampleConfig, ChangesNothingAsItIs) {
  const Result<Config> config = load_config(kExample);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->mode, Mode::observe);
  EXPECT_TRUE(config->vms.empty());
  EXPECT_TRUE(config->peers.empty());
  EXPECT_TRUE(config->alerts.empty());
}

TEST(ExampleConfig, ShowsTheDefaults) {
  const std::string text = read_text(kExample);
  // Up to the blocks for VMs and peers everything shown is the default.
  const std::size_t blocks = text.find("#[[vm]]");
  ASSERT_NE(blocks, std::string::npos);
  const Result<Config> shown = parse_config(uncommented(text.substr(0, blocks)), "upkeep.toml");
  ASSERT_TRUE(shown.has_value()) << shown.error().message;
  const Config defaults;
  EXPECT_EQ(shown->mode, defaults.mode);
  EXPECT_EQ(shown->http.listen, defaults.http.listen);
  EXPECT_EQ(shown->http.control_listen, defaults.http.control_listen);
  EXPECT_EQ(token_path(*shown), token_path(defaults));
  EXPECT_EQ(shown->libvirt, defaults.libvirt);
  EXPECT_EQ(shown->drbd, defaults.drbd);
  EXPECT_EQ(shown->journal, defaults.journal);
  EXPECT_EQ(shown->policy.back_off.attempts_per_hour, defaults.policy.back_off.attempts_per_hour);
  EXPECT_EQ(shown->policy.back_off.first_gap, defaults.policy.back_off.first_gap);
  EXPECT_EQ(shown->policy.back_off.factor, defaults.policy.back_off.factor);
  EXPECT_EQ(shown->policy.back_off.cap, defaults.policy.back_off.cap);
  EXPECT_EQ(shown->policy.back_off.slow_retry, defaults.policy.back_off.slow_retry);
  EXPECT_EQ(shown->policy.back_off.stable_window, defaults.policy.back_off.stable_window);
  EXPECT_EQ(shown->policy.startup_grace, defaults.policy.startup_grace);
  EXPECT_EQ(shown->policy.start_deadline, defaults.policy.start_deadline);
  EXPECT_EQ(shown->policy.bring_up_deadline, defaults.policy.bring_up_deadline);
  EXPECT_EQ(shown->policy.allowed_risk, defaults.policy.allowed_risk);
  EXPECT_EQ(shown->policy.guest_shutdown, defaults.policy.guest_shutdown);
}

TEST(ExampleConfig, IsRightThroughout) {
  const Result<Config> config = parse_config(uncommented(read_text(kExample)), "upkeep.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_FALSE(config->vms.empty());
  EXPECT_FALSE(config->peers.empty());
  EXPECT_FALSE(config->alerts.empty());
}

/// "section.key" of every key in a TOML text that is written one key a line.
std::vector<std::string> keys_of(const std::string& text) {
  std::istringstream lines(text);
  std::vector<std::string> keys;
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) {
      section = line.substr(0, line.rfind(']') + 1);
    } else if (const std::size_t equals = line.find(" = ");
               equals != std::string::npos && !line.starts_with('#')) {
      keys.push_back(section + " " + line.substr(0, equals));
    }
  }
  std::ranges::sort(keys);
  keys.erase(std::ranges::unique(keys).begin(), keys.end());
  return keys;
}

TEST(ExampleConfig, HasEveryKeyAndSoDoesTheDocumentation) {
  const std::vector<std::string> keys = keys_of(read_text(kFixtures / "good/every_key.toml"));
  ASSERT_GT(keys.size(), 25U);
  EXPECT_EQ(keys_of(uncommented(read_text(kExample))), keys);
  const std::string page = read_text(fs::path(UPKEEP_FIXTURES) / "../../docs/configuration.md");
  for (const std::string& key : keys) {
    EXPECT_THAT(page, HasSubstr("| `" + key.substr(key.find(' ') + 1) + "` |")) << key;
  }
}

}  // namespace
}  // namespace upkeep
