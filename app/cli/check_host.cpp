// What `upkeep check` looks at besides libvirt: files, DRBD's tools, other managers.

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <set>
#include <vector>

#include "app/cli/check.h"
#include "app/daemon/cluster_manager.h"
#include "app/daemon/control_token.h"
#include "app/daemon/peer_names.h"
#include "exporter/sources/replication/drbd_config.h"
#include "remediation/journal/sqlite_journal.h"

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The path itself, or the first of its parents that is there.
fs::path nearest_existing(fs::path path) {
  while (!is_there(path) && path.has_relative_path()) path = path.parent_path();
  return path;
}

bool has_file(const fs::path& dir, std::string_view extension) {
  std::error_code failed;
  for (fs::directory_iterator entry(dir, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->path().extension() == extension) return true;
  }
  return false;
}

/// The value that a shell would give NAME after reading the file: the last assignment counts.
std::string shell_value(const fs::path& file, std::string_view name) {
  std::ifstream lines(file);
  std::string value;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || !line.substr(start).starts_with(fmt::format("{}=", name)))
      continue;
    value = line.substr(start + name.size() + 1);
    value = value.substr(0, value.find_first_of("# \t;"));
    std::erase_if(value, [](char c) { return c == '"' || c == '\''; });
  }
  return value;
}

}  // namespace

void check_journal(const Config& config, CheckReport& report) {
  const fs::path& journal = config.journal;
  const fs::path near = nearest_existing(journal.parent_path());
  if (access(near.c_str(), W_OK | X_OK) != 0) {
    report.push_back(
        {Grade::error, "journal",
         fmt::format("{} can't be written: no permission in {}", journal.string(), near.string()),
         "run upkeep as root, or set [journal] path"});
    return;
  }
  struct statfs system{};
  if (statfs(near.c_str(), &system) == 0 &&
      (system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC)) {
    report.push_back({Grade::warning, "journal",
                      fmt::format("{} is in memory: after a reboot nobody knows which VMs ran",
                                  journal.string()),
                      "set [journal] path to a disk of this node"});
  }
  if (!is_there(journal)) {
    report.push_back(
        {Grade::ok, "journal", fmt::format("{} is made at the first start", journal.string()), ""});
    return;
  }
  const auto opened = SqliteJournal::open_read_only(journal);
  if (!opened) {
    report.push_back({Grade::error, "journal", opened.error().message, ""});
    return;
  }
  const Result<JournalState> state = (*opened)->load();
  if (!state) {
    report.push_back({Grade::error, "journal", state.error().message, ""});
    return;
  }
  report.push_back({Grade::ok, "journal",
                    fmt::format("{} knows {} VMs", journal.string(), state->intents.size()), ""});
}

void check_token(const Config& config, CheckReport& report) {
  const fs::path token = token_path(config);
  // As the daemon will: a token that a person named must be there, its own it makes.
  if (!config.http.token_file && !is_there(token)) {
    report.push_back(
        {Grade::ok, "token", fmt::format("{} is made at the first start", token.string()), ""});
    return;
  }
  const Result<std::string> secret = control_token(token, MissingToken::refuse);
  if (secret) {
    report.push_back({Grade::ok, "token", token.string(), ""});
  } else {
    report.push_back({Grade::error, "token", secret.error().message, ""});
  }
}

namespace {

/// The other hosts of two-node resources; the daemon, which sees DRBD itself, knows them all.
void check_peer_names(const Config& config, const fs::path& root, CheckReport& report) {
  std::vector<NodeName> configured;
  for (const PeerConfig& peer : config.peers) configured.push_back(peer.name);
  if (configured.empty()) return;
  const fs::path drbdadm = root / config.drbd.drbdadm.relative_path();
  const auto drbd = read_drbd_config({.root = root, .drbdadm = drbdadm}, {});
  std::set<NodeName> peers;
  for (const auto& [resource, peer] : drbd.peers.value_or(DrbdConfig::Peers{})) peers.insert(peer);
  if (const auto doubt = peer_name_doubt(configured, peers)) {
    report.push_back({Grade::warning, "drbd", *doubt, std::string(kPeerNameFix)});
  }
}

}  // namespace

void check_drbd(const Config& config, const fs::path& root, CheckReport& report) {
  if (config.drbd.enabled == DrbdUse::off) {
    report.push_back({Grade::note, "drbd", "switched off: no VM on DRBD will be started", ""});
    return;
  }
  const bool loaded = is_there(root / "proc/drbd");
  const bool configured = has_file(root / "etc/drbd.d", ".res");
  const bool used = loaded || configured || config.drbd.enabled == DrbdUse::on;
  if (!used) {
    report.push_back({Grade::ok, "drbd", "not used on this node", ""});
    return;
  }
  for (const fs::path& tool : {config.drbd.drbdadm, config.drbd.drbdsetup}) {
    const fs::path inside = root / tool.relative_path();
    if (access(inside.c_str(), X_OK) == 0) continue;
    report.push_back({Grade::error, "drbd", fmt::format("{} can't be run", tool.string()),
                      "apt install drbd-utils, or set its path in [drbd]"});
  }
  std::string version = "the kernel module is not loaded; bringing up a resource loads it";
  if (std::ifstream proc(root / "proc/drbd"); proc.is_open()) std::getline(proc, version);
  report.push_back({Grade::ok, "drbd", version, ""});
  if (config.mode == Mode::act && geteuid() != 0) {
    report.push_back(
        {Grade::warning, "drbd", "only root can bring up DRBD resources", "run it as root"});
  }
  check_peer_names(config, root, report);
}

void check_managers(const fs::path& root, CheckReport& report) {
  const auto found = [&](std::string_view who, const std::string& sign, std::string_view what) {
    report.push_back({Grade::warning, "managers",
                      fmt::format("{} manages {} here ({}): upkeep leaves them alone unless marked",
                                  who, what, sign),
                      ""});
  };
  if (const auto sign = find_cluster_manager(root))
    found("a cluster manager", *sign, "VMs or DRBD");
  struct Sign {
    std::string_view who, path, extension, what;
  };
  // An empty extension: the path itself; else any such file in that directory.
  constexpr std::array<Sign, 5> kSigns{
      {{"Ganeti", "var/lib/ganeti/ssconf_master_node", "", "VMs and DRBD"},
       {"Ganeti", "var/lib/ganeti/config.data", "", "VMs and DRBD"},
       {"LINSTOR", "var/lib/linstor.d", ".res", "DRBD"},
       {"LINSTOR", "etc/linstor/linstor_satellite.toml", "", "DRBD"},
       {"drbd-reactor", "etc/drbd-reactor.d", ".toml", "DRBD"}}};
  std::string_view reported;
  for (const auto& [who, path, extension, what] : kSigns) {
    const fs::path sign = root / path;
    if (who == reported || !(extension.empty() ? is_there(sign) : has_file(sign, extension)))
      continue;
    found(who, sign.string(), what);
    reported = who;
  }
}

void check_libvirt_guests(const fs::path& root, CheckReport& report) {
  for (const char* name : {"etc/default/libvirt-guests", "etc/sysconfig/libvirt-guests"}) {
    const fs::path file = root / name;
    if (shell_value(file, "ON_BOOT") != "start") continue;
    report.push_back(
        {Grade::warning, "libvirt",
         fmt::format("{} has ON_BOOT=start: libvirt-guests starts VMs at boot past the "
                     "storage gate",
                     file.string()),
         fmt::format("set ON_BOOT=ignore in {}", file.string())});
  }
}

}  // namespace upkeep::cli
