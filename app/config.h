#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/http/listen_address.h"
#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "remediation/policy.h"

namespace upkeep {

struct HttpConfig {
  ListenAddress listen{"0.0.0.0", 9893};            ///< Public, read-only.
  ListenAddress control_listen{"127.0.0.1", 9894};  ///< Orders and alerts; token needed.
  /// Who may reach `listen` beside this machine: "10.0.0.0/24". Empty: everybody.
  std::vector<std::string> listen_allow_from;
  /// Who may reach `control_listen` beside this machine: "10.0.0.0/24". Needed off loopback.
  std::vector<std::string> allow_from;
  std::optional<std::filesystem::path> token_file;  ///< Absent: made beside the journal.

  friend bool operator==(const HttpConfig&, const HttpConfig&) = default;
};

struct LibvirtConfig {
  std::string uri = "qemu:///system";
  Duration resync_interval = std::chrono::seconds(60);  ///< Repairs what events missed.
  bool stats = true;  ///< CPU, memory, disk and network figures of each VM.

  friend bool operator==(const LibvirtConfig&, const LibvirtConfig&) = default;
};

enum class DrbdUse {
  automatic,  ///< When the module is loaded, or drbd-utils has configured resources.
  on,
  off,
};

struct DrbdAccessConfig {
  DrbdUse enabled = DrbdUse::automatic;
  std::filesystem::path drbdadm = "/usr/sbin/drbdadm";
  std::filesystem::path drbdsetup = "/usr/sbin/drbdsetup";
  /// Start a VM without its DRBD peers when they have been silent for so long; absent: never.
  std::optional<Duration> allow_degraded_after;
  bool attach_on_primary = false;  ///< Attach a disk again also under a running guest.

  friend bool operator==(const DrbdAccessConfig&, const DrbdAccessConfig&) = default;
};

/// What is allowed and how eagerly; `Policy` is compiled from it.
struct PolicyConfig {
  BackOff back_off;
  Duration startup_grace = Policy{}.startup_grace;
  Duration start_deadline = Policy{}.start_deadline;
  Duration bring_up_deadline = Policy{}.bring_up_deadline;
  Risk allowed_risk = Policy{}.allowed_risk;
  GuestShutdown guest_shutdown = GuestShutdown::respect;
  StartPacing pacing;
  StormGuard storm;
  Duration tier_timeout = Policy{}.tier_timeout;
  int actions_per_hour = Policy{}.actions_per_hour;

  friend bool operator==(const PolicyConfig&, const PolicyConfig&) = default;
};

/// A `[[vm]]` block. The first one whose `match` fits a VM's name applies.
struct VmConfig {
  std::string match;  ///< Glob on the VM's name.
  Keep keep = Keep::automatic;
  ActOn act_on = ActOn::both;
  bool exclusive = false;
  bool keep_disks = false;
  std::optional<GuestShutdown> guest_shutdown;  ///< Absent: [policy] guest_shutdown.
  int priority = 0;
  std::vector<VmName> after;
  int weight = 1;
  HealthCheck health;
  Duration boot_timeout = VmPolicy{}.boot_timeout;

  friend bool operator==(const VmConfig&, const VmConfig&) = default;
};

/// A `[[peer]]` block: another node's public listener.
struct PeerConfig {
  NodeName name;
  std::string url;  ///< "http://10.0.0.2:9893", without a path.

  friend bool operator==(const PeerConfig&, const PeerConfig&) = default;
};

/// The configuration file. Every key is optional; these are the defaults.
struct Config {
  Mode mode = Mode::observe;
  std::string node;  ///< Empty: the host name, see `node_name`.
  HttpConfig http;
  LibvirtConfig libvirt;
  DrbdAccessConfig drbd;
  std::filesystem::path journal = "/var/lib/upkeep/upkeep.db";
  PolicyConfig policy;
  std::vector<VmConfig> vms;
  std::vector<PeerConfig> peers;
  std::vector<AlertRule> alerts;  ///< `[[alert]]`: the first block that is for an alert applies.
};

/// Reads a configuration. Strict: unknown keys, wrong types and impossible values are errors. The
/// message has one line for each, in file order: "FILE:LINE:COLUMN: what is wrong and the fix".
[[nodiscard]] Result<Config> parse_config(std::string_view text, std::string_view file_name);

/// The same from a file; not_found, denied, … when it can't be read.
[[nodiscard]] Result<Config> load_config(const std::filesystem::path& file);

/// What the configuration allows. Who else manages this node isn't in it: the daemon adds that.
[[nodiscard]] Policy to_policy(const Config& config);

/// The configured name, else the host name as `uname -n` prints it, which is also what DRBD uses.
[[nodiscard]] NodeName node_name(const Config& config);

/// The configured token file, else "token" beside the journal.
[[nodiscard]] std::filesystem::path token_path(const Config& config);

}  // namespace upkeep
