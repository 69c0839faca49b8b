#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "platform/device_probe.h"
#include "platform/leftover.h"
#include "platform/process.h"
#include "remediation/effects.h"

namespace upkeep {

/// What a failed drbdadm means, from its exit code and stderr.
[[nodiscard]] Errc drbd_errc(int exit_code, std::string_view errors);

struct DrbdControlOptions {
  std::string drbdadm = "/usr/sbin/drbdadm";
  Duration kill_grace = std::chrono::milliseconds(500);
  /// A healthy disk answers in milliseconds, a sick one may take this long.
  Duration probe_time = std::chrono::seconds(20);
  /// Reads both ends of a device; replaced by tests.
  std::function<Result<void>(const std::string& path, Duration deadline)> probe = probe_device;
};

/// Commands DRBD through drbdadm, one resource a call, never `all` (one bad disk would leave the
/// others StandAlone). At most two commands run at a time. After a command that timed out, its
/// resource gets no other (Errc::timed_out) until nothing of it lives any more. Even the dry run
/// runs `drbdsetup show`, which loads the module. A last word that hangs keeps others waiting until
/// its command's deadline, after which that is not sent; its resource, until it returns.
/// Thread-safe.
class DrbdControl final : public ReplicationControl {
 public:
  explicit DrbdControl(DrbdControlOptions options = {}) : options_(std::move(options)) {}

  Result<std::vector<std::string>> dry_run_adjust(const ResourceName& resource, AdjustScope scope,
                                                  const Terms& terms) override;
  Result<void> adjust(const ResourceName& resource, AdjustScope scope, const Terms& terms) override;
  Result<void> connect(const ResourceName& resource, const Terms& terms) override;
  Result<void> connect_link(const DrbdLink& link, const Terms& terms) override;
  Result<void> disconnect(const ResourceName& resource, const Terms& terms) override;
  Result<void> connect_discarding_local(const ResourceName& resource, const Terms& terms) override;
  Result<void> probe_backing(const DrbdVolume& volume, const Terms& terms) override;
  Result<void> attach(const DrbdVolume& volume, const Terms& terms) override;
  Result<void> promote(const ResourceName& resource, const Terms& terms) override;
  Result<void> demote(const ResourceName& resource, const Terms& terms) override;

 private:
  /// What a command is about: a whole resource, one of its volumes, or one of its links; its limit.
  struct Subject {
    const ResourceName& resource;
    std::optional<VolumeNumber> volume = std::nullopt;
    std::optional<NodeName> peer = std::nullopt;
    /// What the command may take once it has its turn and its last word; all the time that is left.
    std::optional<Duration> within = std::nullopt;
  };

  Result<std::string> command(std::vector<std::string> words, const Subject& subject,
                              const Terms& terms);
  /// Waits for its turn.
  Result<void> begin(const ResourceName& resource, Tick until);
  void end(const ResourceName& resource, Leftover left);
  class Turn;

  DrbdControlOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<ResourceName> taken_;        // Running, or waiting for a turn.
  std::map<ResourceName, Tick> turns_;  // Until when each counts: a last word may hang longer.
  std::map<ResourceName, Leftover> left_;
};

}  // namespace upkeep
