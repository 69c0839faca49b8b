#include "app/cli/daemon_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;

fs::path canonical_form(const fs::path& path) {
  std::error_code failed;
  const fs::path result = fs::weakly_canonical(path, failed);
  return failed ? path : result;
}

/// The address to connect to for what a daemon listens on.
std::string url_of(ListenAddress address) {
  if (address.port == 0) return {};
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  return "http://" + to_string(address);
}

DaemonAddress address_from(const Config& config) {
  return {.control_url = url_of(config.http.control_listen),
          .public_url = url_of(config.http.listen),
          .token_file = token_path(config),
          .journal = config.journal,
          .demo = false,
          .config = config,
          .who = "upkeep"};
}

DaemonAddress address_of(const Instance& instance, Config config) {
  return {.control_url = instance.control_url,
          .public_url = instance.public_url,
          .token_file = instance.token_file,
          .journal = instance.journal,
          .demo = instance.demo,
          .config = std::move(config),
          .who = instance.demo ? "the demo" : "upkeep"};
}

}  // namespace

std::optional<fs::path> config_file(const CommandLine& line) {
  if (line.config) return line.config;
  if (line.demo) return {};
  if (const char* named = std::getenv("UPKEEP_CONFIG"); named != nullptr && *named != '\0') {
    return named;
  }
  fs::path usual = line.root / "etc/upkeep/upkeep.toml";
  std::error_code unreadable;
  // What can't be looked at is there: its error is better than silence.
  if (fs::exists(usual, unreadable) || unreadable) return usual;
  return {};
}

Result<DaemonAddress> find_daemon(const CommandLine& line, const std::vector<Instance>& running) {
  const auto find = [&](auto wanted) -> const Instance* {
    const auto found = std::ranges::find_if(running, wanted);
    return found == running.end() ? nullptr : &*found;
  };
  if (const std::optional<fs::path> file = config_file(line)) {
    Result<Config> config = load_config(*file);
    const fs::path path = canonical_form(*file);
    const Instance* instance = find([&](const Instance& candidate) {
      return candidate.config_file && canonical_form(*candidate.config_file) == path;
    });
    // The running daemon still has the configuration that was right when it read it.
    if (instance != nullptr) return address_of(*instance, config.value_or(Config{}));
    if (!config) return std::unexpected(config.error());
    return address_from(*config);
  }
  const auto is_demo = [](const Instance& instance) { return instance.demo; };
  const auto is_without_file = [](const Instance& instance) {
    return !instance.demo && !instance.config_file;
  };
  const Instance* instance = line.demo ? nullptr : find(is_without_file);
  if (instance == nullptr) instance = find(is_demo);
  if (instance != nullptr) return address_of(*instance, Config{});
  if (line.demo) {
    return fail(Errc::unavailable, "no demo is running; start one with `upkeep run --demo`");
  }
  return address_from(Config{});
}

}  // namespace upkeep::cli
