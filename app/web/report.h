#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/metrics/last_known.h"
#include "exporter/model/snapshot.h"
#include "remediation/reconciler.h"

namespace upkeep::web {

/// Who answers.
struct Identity {
  std::string node;
  std::string version;
  std::string revision;
  WallTime started{};
};

/// Everything that pages and answers are made of, at one moment.
struct Moment {
  Identity identity;
  std::shared_ptr<const Snapshot> snapshot;     ///< Never null; empty before the first reading.
  std::shared_ptr<const RemediationView> view;  ///< Null until the loop has decided once.
  LastKnown known;
  Tick now{};
  WallTime wall{};

  [[nodiscard]] Freshness freshness() const;
};

/// What was decided and tried about one target; each may be null or empty.
struct TargetReport {
  std::vector<const Decision*> decisions;  ///< By rule.
  const TargetHistory* tried = nullptr;
};

/// A VM as it is shown. Points into the Moment.
struct VmReport {
  const Vm* vm = nullptr;  ///< As last known: its state only counts while `current`.
  bool current = false;
  VmState state = VmState::unknown;
  std::optional<bool> up;
  std::optional<Wish> wish;  ///< Absent until the loop has decided once.
  const Intent* intent = nullptr;
  std::optional<bool> healthy;  ///< Its check's last answer; absent without one.
  std::string trouble;          ///< See health_trouble.
  TargetReport target;
};

/// A DRBD resource as it is shown. Points into the Moment.
struct ResourceReport {
  const DrbdResource* resource = nullptr;
  /// In the reading while that is current, else on record.
  std::optional<SplitBrainEvidence> split_brain = std::nullopt;
  TargetReport target;
};

struct Report {
  std::vector<SourceStatus> sources;
  bool vms_known = false;      ///< They were read once; false is not "none".
  std::vector<VmReport> vms;   ///< By name; also those that libvirt should list and doesn't.
  const Drbd* drbd = nullptr;  ///< As last known; null until read once.
  bool drbd_current = false;
  std::vector<ResourceReport> resources;
  /// What stands for the VMs that libvirt does not list.
  std::vector<std::unique_ptr<const Vm>> missing;
};

[[nodiscard]] Report report_of(const Moment& moment);

/// Every source in use has answered or failed at least once, and the loop has looked at it.
[[nodiscard]] bool is_ready(const Moment& moment);

/// Something that a person should look at: wanted and not up, not healthy, a decision, a latch.
[[nodiscard]] bool needs_a_look(const VmReport& vm);

/// Of a source: why it isn't up, in a sentence; empty while it is.
[[nodiscard]] std::string trouble_of(const SourceStatus& source);

}  // namespace upkeep::web
