#include "app/config.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <toml++/toml.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "app/config_alerts.h"
#include "app/config_peers.h"
#include "app/config_table.h"
#include "app/start_order_check.h"

namespace upkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kLargestFile = std::size_t{1} << 20U;

constexpr std::array<ConfigWord<Mode>, 3> kModes{
    {{"observe", Mode::observe}, {"dry-run", Mode::dry_run}, {"act", Mode::act}}};
constexpr std::array<ConfigWord<DrbdUse>, 3> kDrbdUses{
    {{"auto", DrbdUse::automatic}, {"on", DrbdUse::on}, {"off", DrbdUse::off}}};
constexpr std::array<ConfigWord<Risk>, 3> kRisks{
    {{"low", Risk::low}, {"medium", Risk::medium}, {"high", Risk::high}}};
constexpr std::array<ConfigWord<GuestShutdown>, 2> kGuestShutdowns{
    {{"respect", GuestShutdown::respect}, {"restart", GuestShutdown::restart}}};
constexpr std::array<ConfigWord<Keep>, 4> kKeeps{
    {{"auto", Keep::automatic}, {"up", Keep::up}, {"down", Keep::down}, {"ignore", Keep::ignore}}};
constexpr std::array<ConfigWord<ActOn>, 3> kActOns{
    {{"loop", ActOn::loop}, {"alerts", ActOn::alerts}, {"both", ActOn::both}}};

template <class T>
void assign(T& out, std::optional<T> value) {
  if (value) out = std::move(*value);
}

template <class T, std::size_t N>
std::optional<T> one_of(ConfigTable& table, std::string_view key,
                        const std::array<ConfigWord<T>, N>& words) {
  return table.word(key, std::span<const ConfigWord<T>>(words));
}

void read_http(ConfigTable table, HttpConfig& http) {
  assign(http.listen, table.parsed("listen", parse_listen));
  http.listen_allow_from = table.all_parsed("listen_allow_from", parse_network);
  assign(http.control_listen, table.parsed("control_listen", parse_listen));
  http.allow_from = table.all_parsed("allow_from", parse_network);
  if (!http.control_listen.host.starts_with("127.") && !table.has("allow_from")) {
    table.wrong("control_listen",
                "is not on loopback: name the networks that may give orders, such as allow_from = "
                "[\"10.0.0.0/24\"]");
  }
  const bool same_host =
      http.listen.host == http.control_listen.host || http.listen.host == "0.0.0.0";
  if (http.listen.port != 0 && http.listen.port == http.control_listen.port && same_host) {
    table.wrong(table.has("control_listen") ? "control_listen" : "listen",
                fmt::format("both listeners would use port {}", http.listen.port));
  }
  std::filesystem::path token_file;
  table.read_path("token_file", token_file);
  if (!token_file.empty()) http.token_file = token_file;
  table.finish();
}

Parsed<std::string> parse_libvirt_uri(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon != std::string_view::npos && colon > 0) return std::string(text);
  return std::unexpected(fmt::format("'{}' is not a libvirt URI such as \"qemu:///system\"", text));
}

void read_libvirt(ConfigTable table, LibvirtConfig& libvirt) {
  assign(libvirt.uri, table.parsed("uri", parse_libvirt_uri));
  table.read_duration("resync_interval", libvirt.resync_interval, seconds(1), hours(1));
  table.read("stats", libvirt.stats);
  table.finish();
}

void read_drbd(ConfigTable table, DrbdAccessConfig& drbd) {
  assign(drbd.enabled, one_of(table, "enabled", kDrbdUses));
  table.read_path("drbdadm", drbd.drbdadm);
  table.read_path("drbdsetup", drbd.drbdsetup);
  table.read("attach_on_primary", drbd.attach_on_primary);
  assign(drbd.allow_degraded_after, table.parsed("allow_degraded", parse_allow_degraded));
  table.finish();
}

void read_pacing(ConfigTable& table, PolicyConfig& policy) {
  StartPacing& pacing = policy.pacing;
  table.read_count("start_slots", pacing.slots, 1, 1000);
  table.read_count("most_start_slots", pacing.most, 1, 1000);
  table.read_duration("slot_timeout", pacing.slot_timeout, seconds(1), hours(1));
  table.read_number("cpu_pressure_target", pacing.cpu_target, 0.01, 1);
  table.read_number("io_pressure_target", pacing.io_target, 0.01, 1);
  table.read_duration("tier_timeout", policy.tier_timeout, seconds(1), hours(24));
  table.read_count("actions_per_hour", policy.actions_per_hour, 1, 10'000);
  table.read_number("storm_share", policy.storm.share, 0.01, 1);
  table.read_duration("storm_cool_down", policy.storm.cool_down, seconds(1), hours(24));
  if (pacing.most < pacing.slots) {
    table.wrong(table.has("most_start_slots") ? "most_start_slots" : "start_slots",
                fmt::format("most_start_slots ({}) is less than start_slots ({})", pacing.most,
                            pacing.slots));
  }
}

void check_gaps(ConfigTable& table, const BackOff& back_off) {
  const auto not_below_first = [&](const char* key, Duration value) {
    if (value >= back_off.first_gap) return;
    table.wrong(table.has(key) ? key : "first_gap",
                fmt::format("{} ({}) is shorter than first_gap ({})", key, duration_text(value),
                            duration_text(back_off.first_gap)));
  };
  not_below_first("max_gap", back_off.cap);
  // Each start of a VM that soon dies again would count as its first.
  not_below_first("stable_window", back_off.stable_window);
}

void read_policy(ConfigTable table, PolicyConfig& policy) {
  BackOff& back_off = policy.back_off;
  table.read_count("attempts_per_hour", back_off.attempts_per_hour, 1, 100);
  table.read_duration("first_gap", back_off.first_gap, milliseconds(100), hours(1));
  table.read_number("gap_factor", back_off.factor, 1, 10);
  table.read_duration("max_gap", back_off.cap, milliseconds(100), hours(24));
  table.read_duration("slow_retry", back_off.slow_retry, minutes(1), hours(24));
  table.read_duration("stable_window", back_off.stable_window, seconds(1), hours(24));
  table.read_duration("startup_grace", policy.startup_grace, milliseconds(100), minutes(10));
  table.read_duration("start_deadline", policy.start_deadline, seconds(1), hours(1));
  table.read_duration("bring_up_deadline", policy.bring_up_deadline, seconds(1), hours(1));
  assign(policy.allowed_risk, one_of(table, "allowed_risk", kRisks));
  assign(policy.guest_shutdown, one_of(table, "guest_shutdown", kGuestShutdowns));
  check_gaps(table, back_off);
  read_pacing(table, policy);
  table.finish();
}

void read_vms(ConfigTable& file, ConfigErrors& errors, std::vector<VmConfig>& vms) {
  std::vector<ConfigTable> blocks;
  for (const toml::table* block : file.tables("vm")) {
    ConfigTable table(*block, "[[vm]]", errors);
    VmConfig vm;
    if (!table.has("match")) {
      table.wrong("match", "is missing: say which VMs the block is for; \"*\" is all of them");
    }
    if (auto match = table.parsed("match", parse_glob)) {
      vm.match = std::move(*match);
      for (const VmConfig& earlier : vms) {
        if (earlier.match != vm.match && earlier.match != "*") continue;
        table.wrong("match", fmt::format("this block can never apply: the first match wins, and an "
                                         "earlier block matches '{}'",
                                         earlier.match));
        break;
      }
    }
    assign(vm.keep, one_of(table, "keep", kKeeps));
    assign(vm.act_on, one_of(table, "act_on", kActOns));
    table.read("exclusive", vm.exclusive);
    table.read("keep_disks", vm.keep_disks);
    vm.guest_shutdown = one_of(table, "guest_shutdown", kGuestShutdowns);
    table.read_count("priority", vm.priority, 0, 1000);
    table.read_count("weight", vm.weight, 1, 1000);
    for (std::string& name :
         table.all_parsed("after", parse_vm_name, ConfigTable::EmptyList::allowed)) {
      if (name.find_first_of("*?[") != std::string::npos) {
        table.wrong("after", fmt::format("'{}' is a pattern: write each VM's name", name));
      }
      vm.after.push_back({std::move(name)});
    }
    assign(vm.health, table.parsed("health", parse_health));
    table.read_duration("boot_timeout", vm.boot_timeout, seconds(1), hours(1));
    table.finish();
    vms.push_back(std::move(vm));
    blocks.push_back(std::move(table));
  }
  for (std::size_t i = 0; i < vms.size(); ++i) {
    if (const auto fault = fault_in_order(vms, i)) blocks[i].wrong("after", *fault);
  }
}

Config read_file(const toml::table& root, ConfigErrors& errors) {
  Config config;
  ConfigTable file(root, "", errors);
  assign(config.mode, one_of(file, "mode", kModes));
  assign(config.node, file.parsed("node", parse_node_name));
  const auto section = [&](std::string_view key, auto read, auto& out) {
    if (const toml::table* table = file.table(key)) {
      read(ConfigTable(*table, std::string(key), errors), out);
    }
  };
  section("http", read_http, config.http);
  section("libvirt", read_libvirt, config.libvirt);
  section("drbd", read_drbd, config.drbd);
  section("policy", read_policy, config.policy);
  section(
      "journal",
      [](ConfigTable table, std::filesystem::path& path) {
        table.read_path("path", path);
        table.finish();
      },
      config.journal);
  read_vms(file, errors, config.vms);
  read_peers(file, errors, config);
  read_alerts(file, errors, config.alerts);
  file.finish();
  return config;
}

// What toml++ says, and the mistake that is behind it most of the time.
std::string describe(const toml::parse_error& error) {
  std::string text(error.description());
  if (text.find("could not determine value type") != std::string::npos) {
    text += " (text needs quotes: mode = \"observe\")";
  } else if (text.find("unescaped control characters") != std::string::npos) {
    text += " (is a closing quote missing?)";
  }
  return text;
}

Errc to_errc(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::denied;
    default: return Errc::unavailable;
  }
}

}  // namespace

Result<Config> parse_config(std::string_view text, std::string_view file_name) {
  if (text.size() > kLargestFile) {
    return fail(Errc::invalid,
                fmt::format("{}:1:1: larger than 1 MiB: not a configuration", file_name));
  }
  ConfigErrors errors(file_name);
  try {
    Config config = read_file(toml::parse(text, file_name), errors);
    if (errors.empty()) return config;
  } catch (const toml::parse_error& error) {
    errors.add(error.source(), describe(error));
  }
  return fail(Errc::invalid, errors.text());
}

Result<Config> load_config(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return fail(Errc::invalid, fmt::format("{}: is a directory", file.string()));
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  // One byte more than allowed, so that a file that is too large is seen as such.
  std::string text(kLargestFile + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    const int error = errno;
    return fail(to_errc(error),
                fmt::format("{}: cannot be read: {}", file.string(), std::strerror(error)));
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_config(text, file.string());
}

NodeName node_name(const Config& config) {
  if (!config.node.empty()) return {config.node};
  utsname host{};
  if (uname(&host) != 0) return {"localhost"};
  return {static_cast<const char*>(host.nodename)};
}

std::filesystem::path token_path(const Config& config) {
  return config.http.token_file.value_or(config.journal.parent_path() / "token");
}

}  // namespace upkeep
