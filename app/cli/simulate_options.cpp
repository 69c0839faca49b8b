#include "app/cli/simulate_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "app/cli/one_of.h"

namespace upkeep::cli {
namespace {

constexpr std::size_t kMostVms = 1000;
constexpr std::array<std::string_view, 2> kStorages{"drbd", "local"};
constexpr std::array<std::string_view, 2> kHealths{"agent", "none"};
constexpr std::array<std::string_view, 1> kComparisons{"serial"};

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || rest != end || value < 1 || value > kMostVms) {
    return std::nullopt;
  }
  return value;
}

void add_names(std::vector<std::string>& names, std::string_view prefix, std::size_t count) {
  const std::size_t width = std::to_string(count).size();
  for (std::size_t i = 1; i <= count; ++i)
    names.push_back(fmt::format("{}{:0{}}", prefix, i, width));
}

}  // namespace

std::optional<std::vector<std::string>> vm_names(const std::string& said) {
  std::vector<std::string> names;
  if (const auto count = number(said)) {
    add_names(names, "vm", *count);
    return names;
  }
  std::istringstream groups(said);
  for (std::string group; std::getline(groups, group, ',');) {
    const auto sign = group.find('=');
    if (sign == std::string::npos || sign == 0) return std::nullopt;
    const auto count = number(std::string_view(group).substr(sign + 1));
    if (!count) return std::nullopt;
    add_names(names, group.substr(0, sign), *count);
  }
  if (names.empty() || names.size() > kMostVms) return std::nullopt;
  return names;
}

void SimulateOptions::declare(CLI::App& command) {
  const auto number = [&](const char* name, auto& value, const char* about) {
    return command.add_option(name, value, about)->type_name("N")->capture_default_str();
  };
  // CLI::Range lets "nan" through: it is neither below nor above.
  const CLI::Validator finite(
      [](const std::string& said) {
        return std::isfinite(std::strtod(said.c_str(), nullptr)) ? "" : said + " is not a number";
      },
      "");
  const auto real = [&](const char* name, double& value, const char* about, double least,
                        double most) {
    number(name, value, about)->check(finite)->check(CLI::Range(least, most));
  };
  number("--nodes", said_.nodes, "Nodes of the cluster")->check(CLI::Range(1, 64));
  command.add_option("--vms", vms_, "How many VMs, or how many of which name: dns=2,db=10,web=50")
      ->type_name("N|NAME=N,…")
      ->capture_default_str()
      ->check([](const std::string& said) {
        return vm_names(said) ? "" : "'" + said + "' is neither a number of VMs nor NAME=N,…";
      });
  real("--boot-seconds", said_.boot_seconds, "A guest's boot when it boots alone (± 10 %)", 0.1,
       3600.0);
  number("--seed", said_.seed, "Other guests' boot times, other nodes' luck");
  number("--cores", said_.hardware.cores, "Cores of a node")->check(CLI::Range(1, 1024));
  real("--boot-cpu", said_.hardware.boot_cpu, "Cores that a boot keeps busy", 0.0, 64.0);
  real("--disk-knee", said_.hardware.knee, "Boots at once that a node's disks take without delay",
       0.1, 1000.0);
  real("--disk-decay", said_.hardware.decay, "Loss of throughput by seeking, for each further knee",
       0.0, 10.0);
  real("--node-boot-seconds", said_.node_boot_seconds, "From a node's boot until upkeep runs", 0.0,
       3600.0);
  real("--node-spread-seconds", said_.node_spread_seconds, "The last node boots so much later", 0.0,
       3600.0);
  number("--broken", said_.broken, "So many of the guests boot into nothing")
      ->check(CLI::Range(0, 1000));
  command.add_option("--storage", storage_, "drbd (each disk mirrored to another node) or local")
      ->capture_default_str()
      ->check(one_of(kStorages));
  command
      .add_option("--health", health_,
                  "agent or none: does upkeep learn when a guest is up? (not with --config)")
      ->capture_default_str()
      ->check(one_of(kHealths));
  command
      .add_option("--compare", compare_,
                  "serial: beside it a watcher from cron that starts one VM of the cluster after "
                  "another and waits for each to be up, as Ganeti's does")
      ->check(one_of(kComparisons));
  real("--cron-seconds", said_.cron_seconds, "How often cron starts that watcher", 0.0, 86400.0);
}

SimulateCommand SimulateOptions::command() const {
  SimulateCommand command = said_;
  command.vms = vm_names(vms_).value_or(std::vector<std::string>{});
  command.drbd = storage_ == "drbd";
  command.agent = health_ == "agent";
  command.serial = !compare_.empty();
  return command;
}

}  // namespace upkeep::cli
