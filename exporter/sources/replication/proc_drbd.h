#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/drbd.h"

namespace upkeep {

/// One device block of /proc/drbd (DRBD 8.4; 9 prints none). Connection and replication are one
/// word there (cs:); here they are apart, in the words of events2.
struct ProcDrbdDevice {
  DeviceMinor minor;
  Stated<DrbdConnection> connection;
  Stated<DrbdReplication> replication;
  Stated<DrbdRole> role, peer_role;
  Stated<DrbdDisk> disk, peer_disk;
  std::optional<Bytes> sent, received, written, read, out_of_sync;  ///< ns nr dw dr oos, in KiB.
  // Only while resyncing or verifying.
  std::optional<double> done_ratio;  ///< From (left/total); the percentage there is coarser.
  std::optional<double> bytes_per_second;
  std::optional<Seconds> eta;

  friend bool operator==(const ProcDrbdDevice&, const ProcDrbdDevice&) = default;
};

/// All of /proc/drbd.
struct ProcDrbd {
  std::string version;  ///< "8.4.11"; empty when the first line doesn't say.
  std::vector<ProcDrbdDevice> devices;
  std::vector<std::string> unparsed;  ///< What was not understood.
};

/// Reads the text of /proc/drbd, whatever is in it. Pure.
[[nodiscard]] ProcDrbd parse_proc_drbd(std::string_view text);

/// Puts what 8.4 doesn't stream into `drbd`: counters, out-of-sync and progress, by minor.
void merge(const ProcDrbd& proc, Drbd& drbd);

/// The first difference between what events2 told and what /proc/drbd shows of states, as a
/// sentence; nothing when they agree. Only for 8.4.
[[nodiscard]] std::optional<std::string> disagreement(const ProcDrbd& proc, const Drbd& drbd);

}  // namespace upkeep
