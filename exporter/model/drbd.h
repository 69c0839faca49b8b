#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"

namespace upkeep {

/// A state as DRBD printed it. `kind` is `other` for a word this program does not know; the word
/// itself is kept and shown, and never counts as healthy.
template <class Kind>
struct Stated {
  Kind kind = Kind::other;
  std::string text;

  friend bool operator==(const Stated&, const Stated&) = default;
  friend bool operator==(const Stated& stated, Kind wanted) { return stated.kind == wanted; }
};

// The closed sets of drbd-headers/drbd_strings.c; DRBD 8.4's tools print the same words.
enum class DrbdRole { unknown, primary, secondary, other };
enum class DrbdDisk {
  diskless,
  attaching,
  detaching,
  failed,
  negotiating,
  inconsistent,
  outdated,
  dunknown,
  consistent,
  up_to_date,
  other
};
enum class DrbdConnection {
  stand_alone,
  disconnecting,
  unconnected,
  timeout,
  broken_pipe,
  network_failure,
  protocol_error,
  tear_down,
  connecting,
  connected,
  other
};
enum class DrbdReplication {
  off,
  established,
  starting_sync_s,
  starting_sync_t,
  wf_bitmap_s,
  wf_bitmap_t,
  wf_sync_uuid,
  sync_source,
  sync_target,
  verify_s,
  verify_t,
  paused_sync_s,
  paused_sync_t,
  ahead,
  behind,
  other
};

template <class Kind>
struct DrbdWord {
  Kind kind;
  std::string_view word;
};

inline constexpr std::array<DrbdWord<DrbdRole>, 3> kDrbdRoles{{{DrbdRole::unknown, "Unknown"},
                                                               {DrbdRole::primary, "Primary"},
                                                               {DrbdRole::secondary, "Secondary"}}};
inline constexpr std::array<DrbdWord<DrbdDisk>, 10> kDrbdDisks{
    {{DrbdDisk::diskless, "Diskless"},
     {DrbdDisk::attaching, "Attaching"},
     {DrbdDisk::detaching, "Detaching"},
     {DrbdDisk::failed, "Failed"},
     {DrbdDisk::negotiating, "Negotiating"},
     {DrbdDisk::inconsistent, "Inconsistent"},
     {DrbdDisk::outdated, "Outdated"},
     {DrbdDisk::dunknown, "DUnknown"},
     {DrbdDisk::consistent, "Consistent"},
     {DrbdDisk::up_to_date, "UpToDate"}}};
inline constexpr std::array<DrbdWord<DrbdConnection>, 10> kDrbdConnections{
    {{DrbdConnection::stand_alone, "StandAlone"},
     {DrbdConnection::disconnecting, "Disconnecting"},
     {DrbdConnection::unconnected, "Unconnected"},
     {DrbdConnection::timeout, "Timeout"},
     {DrbdConnection::broken_pipe, "BrokenPipe"},
     {DrbdConnection::network_failure, "NetworkFailure"},
     {DrbdConnection::protocol_error, "ProtocolError"},
     {DrbdConnection::tear_down, "TearDown"},
     {DrbdConnection::connecting, "Connecting"},
     {DrbdConnection::connected, "Connected"}}};
inline constexpr std::array<DrbdWord<DrbdReplication>, 15> kDrbdReplications{
    {{DrbdReplication::off, "Off"},
     {DrbdReplication::established, "Established"},
     {DrbdReplication::starting_sync_s, "StartingSyncS"},
     {DrbdReplication::starting_sync_t, "StartingSyncT"},
     {DrbdReplication::wf_bitmap_s, "WFBitMapS"},
     {DrbdReplication::wf_bitmap_t, "WFBitMapT"},
     {DrbdReplication::wf_sync_uuid, "WFSyncUUID"},
     {DrbdReplication::sync_source, "SyncSource"},
     {DrbdReplication::sync_target, "SyncTarget"},
     {DrbdReplication::verify_s, "VerifyS"},
     {DrbdReplication::verify_t, "VerifyT"},
     {DrbdReplication::paused_sync_s, "PausedSyncS"},
     {DrbdReplication::paused_sync_t, "PausedSyncT"},
     {DrbdReplication::ahead, "Ahead"},
     {DrbdReplication::behind, "Behind"}}};

/// Reads a state word; an unknown one is kept as `other`.
template <class Kind, std::size_t N>
[[nodiscard]] Stated<Kind> stated(const std::array<DrbdWord<Kind>, N>& words,
                                  std::string_view text) {
  for (const auto& [kind, word] : words) {
    if (word == text) return {kind, std::string(text)};
  }
  return {Kind::other, std::string(text)};
}

/// One volume as one peer sees it. Figures are absent when DRBD did not report them.
struct DrbdPeerDevice {
  VolumeNumber volume;
  Stated<DrbdReplication> replication;
  Stated<DrbdDisk> peer_disk;
  std::optional<bool> peer_client;  ///< Intended diskless peer; DRBD 9 only.
  std::string resync_suspended;     ///< "no", or a comma list of user, peer, dependency.
  std::optional<Bytes> out_of_sync, sent, received;
  std::optional<double> resync_done_ratio;  ///< 0..1, only while resyncing or verifying.
  std::optional<double> resync_bytes_per_second;
  std::optional<Seconds> resync_eta;

  friend bool operator==(const DrbdPeerDevice&, const DrbdPeerDevice&) = default;
};

/// Why a link was given up (StandAlone is one name for seven causes). A metric label value and a
/// journal word; never rename.
enum class LinkLossCause {
  disconnected_by_operator,  ///< `drbdadm disconnect` here or at the peer: Connected, then
                             ///< Disconnecting without a refused handshake.
  split_brain,               ///< Both sides wrote.
  role_conflict,             ///< "I shall become SyncTarget, but I am primary!"
  unrelated_data,
  incompatible_settings,  ///< The two configurations differ.
  disk_size,
  authentication,
  trial_connect,  ///< `connect --tentative`: meant to end so.
  unknown,        ///< It was lost, and nothing told why.
};

[[nodiscard]] constexpr std::string_view to_string(LinkLossCause cause) {
  switch (cause) {
    case LinkLossCause::disconnected_by_operator: return "disconnected_by_operator";
    case LinkLossCause::split_brain: return "split_brain";
    case LinkLossCause::role_conflict: return "role_conflict";
    case LinkLossCause::unrelated_data: return "unrelated_data";
    case LinkLossCause::incompatible_settings: return "incompatible_settings";
    case LinkLossCause::disk_size: return "disk_size";
    case LinkLossCause::authentication: return "authentication";
    case LinkLossCause::trial_connect: return "trial_connect";
    case LinkLossCause::unknown: return "unknown";
  }
  return "unknown";
}

/// What is known about how a link became StandAlone.
struct LinkLoss {
  LinkLossCause cause = LinkLossCause::unknown;
  std::string what;  ///< The words that told it, e.g. a line of the kernel log; for people.
  WallTime at{};

  friend bool operator==(const LinkLoss&, const LinkLoss&) = default;
};

/// What DRBD 8.4 calls every peer.
inline constexpr std::string_view kPeerOf84 = "peer";

/// The link of a resource to one peer. On DRBD 8.4 a StandAlone link has no kernel object: the
/// source then supplies one in state StandAlone, so that readers need not know.
struct DrbdPeer {
  /// conn-name. 8.4 has none: the other host of the configuration, and `kPeerOf84` where that
  /// doesn't name exactly one.
  NodeName name;
  std::uint32_t node_id = 0;  ///< peer-node-id; always 0 on 8.4.
  Stated<DrbdConnection> connection;
  Stated<DrbdRole> role;
  std::optional<bool> congested;
  std::vector<DrbdPeerDevice> devices;  ///< By volume.
  /// Only while StandAlone after having been lost or refused. Absent: nothing was seen or logged
  /// about it since the resource was brought up (a bring-up that was cut short looks like this).
  std::optional<LinkLoss> loss;

  friend bool operator==(const DrbdPeer&, const DrbdPeer&) = default;
};

/// A local volume.
struct DrbdDevice {
  VolumeNumber volume;
  DeviceMinor minor;
  Stated<DrbdDisk> disk;
  std::optional<bool> client;  ///< Intended diskless; DRBD 9 only.
  std::optional<bool> quorum;  ///< Prints yes also when no quorum is configured.
  std::optional<bool> open;    ///< drbd-utils >= 9.29 only.
  std::optional<Bytes> size, read, written;
  std::string backing_device;  ///< Empty when unknown.
  /// The metadata say that this node was Primary when it went down hard (`drbdadm get-gi`). Only
  /// read while the resource is up, Secondary and not Connected everywhere; else absent.
  std::optional<bool> crashed_primary;

  friend bool operator==(const DrbdDevice&, const DrbdDevice&) = default;
};

/// Signs that data diverged: helper events, or what the kernel log says.
struct SplitBrainEvidence {
  std::string what;  ///< E.g. "helper split-brain".
  WallTime at{};

  friend bool operator==(const SplitBrainEvidence&, const SplitBrainEvidence&) = default;
};

/// A configured backing device that does not exist.
struct MissingBacking {
  VolumeNumber volume;
  std::string path;

  friend bool operator==(const MissingBacking&, const MissingBacking&) = default;
};

/// A resource that the kernel knows, or that is configured, or both.
struct DrbdResource {
  ResourceName name;
  bool in_kernel = false;
  std::optional<bool> configured;  ///< drbdadm lists it for this host; absent: not known.
  Stated<DrbdRole> role;
  std::string suspended = "no";     ///< "no", or a comma list of user, no-data, fencing, quorum.
  std::optional<bool> may_promote;  ///< DRBD 9 only.
  std::optional<bool> quorum_configured;        ///< From the configuration; absent: not known.
  std::optional<bool> after_sb_all_disconnect;  ///< All after-sb-* policies are `disconnect`.
  std::string other_manager;                    ///< "ganeti", "linstor", …; empty: none seen.
  std::vector<DrbdDevice> devices;              ///< By volume.
  std::vector<DrbdPeer> peers;                  ///< By node id.
  /// Of the volumes without an attached disk, by volume. What can't be told is not among them.
  std::vector<MissingBacking> missing_backing;
  std::optional<SplitBrainEvidence> split_brain;

  friend bool operator==(const DrbdResource&, const DrbdResource&) = default;
};

/// The node's DRBD. "Module not loaded" is a successful reading: nothing is up.
struct Drbd {
  bool module_loaded = false;
  std::string kernel_version;           ///< "8.4.11"; empty while the module is not loaded.
  std::string utils_version;            ///< Of drbd-utils, "9.22.0"; empty when unknown.
  bool simulated = false;               ///< The demo's pair, not a kernel's.
  std::vector<DrbdResource> resources;  ///< By name.
  /// Why the kernel log can't be read, so that causes of StandAlone may stay unknown; empty: it
  /// can.
  std::string kernel_log_problem;

  friend bool operator==(const Drbd&, const Drbd&) = default;
};

[[nodiscard]] inline bool is_version_84(const Drbd& drbd) {
  return drbd.kernel_version.starts_with("8.");
}

}  // namespace upkeep
