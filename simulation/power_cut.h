#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "remediation/policy.h"
#include "remediation/recovery.h"
#include "simulation/boot_load.h"

namespace upkeep::simulation {

/// A cluster whose power goes and comes back.
struct PowerCutOptions {
  std::size_t nodes = 4;
  std::vector<std::string> vms;              ///< Names; dealt out to the nodes one by one.
  Duration boot = std::chrono::seconds(29);  ///< Of one guest alone.
  double boot_spread = 0.1;  ///< Each guest's own is this share shorter or longer, at most.
  std::size_t broken = 0;    ///< So many guests boot into nothing.
  bool drbd = true;          ///< Each VM's disk is mirrored to another node.
  Duration node_boot = std::chrono::seconds(20);  ///< From the kernel's begin until upkeep runs.
  Duration node_spread =
      std::chrono::seconds(10);  ///< Between the first node's begin and the last's.
  std::uint64_t seed = 1;
  Hardware hardware;
  Policy policy;  ///< Mode and peers are set by the simulation.
};

/// What kept VMs waiting, in the order in which it can be blamed.
enum class Bottleneck { node_boot, look, drbd, disks, processors, slots, order, guests, other };

[[nodiscard]] std::string_view to_string(Bottleneck bottleneck);

/// One VM's way back; times from the power's return.
struct VmReturn {
  std::string name, node;
  MemberState state = MemberState::waiting;
  std::string why;                    ///< The hold, while it is held.
  std::vector<std::string> findings;  ///< The rules that still have something to say of it.
  std::optional<Seconds> started, healthy;
  OutagePhases phases;
};

/// The cluster at one moment.
struct PowerCutMoment {
  Seconds at{};
  std::size_t down = 0, booting = 0, healthy = 0;
  int slots = 0;                     ///< Of all nodes.
  double io_full = 0, cpu_some = 0;  ///< Of the node that is worst off.
};

struct PowerCutResult {
  std::optional<Seconds>
      total;  ///< Until the last guest that boots at all was healthy; absent: never.
  std::vector<VmReturn> vms;  ///< By name.
  std::vector<PowerCutMoment> timeline;
  /// Of the node that was last, how much of the time went into what.
  std::map<Bottleneck, Seconds> shares;
  std::string last_node;
  Bottleneck bottleneck = Bottleneck::other;
};

/// Cuts the power of all nodes at once, gives it back, and lets the real remediation of each node
/// bring its VMs back.
[[nodiscard]] PowerCutResult cut_power(const PowerCutOptions& options);

/// The guests' own boot times, by name: the same numbers for everything that is compared.
[[nodiscard]] std::vector<Duration> boots_of(const PowerCutOptions& options);

/// One phase of all VMs that came back.
struct PhaseSpread {
  std::string name;
  Seconds median{}, worst{};
};
/// "node" (from the power's return until upkeep looked), then the phases of an outage.
[[nodiscard]] std::vector<PhaseSpread> spreads_of(const PowerCutResult& result);

/// A watcher that starts one VM after another, waiting for each to be up.
struct SerialResult {
  Seconds cron{};            ///< Until it looks.
  Seconds total{};           ///< One for the whole cluster, as Ganeti's.
  Seconds total_per_node{};  ///< One on each node.
};
[[nodiscard]] SerialResult start_serially(const PowerCutOptions& options, Duration cron_every);

}  // namespace upkeep::simulation
