#pragma once

#include <map>
#include <optional>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/ids.h"
#include "exporter/model/node.h"

namespace upkeep::simulation {

/// What the guests of a node share while they boot.
struct Hardware {
  int cores = 4;
  /// So many boots at once the disks serve without holding any of them up.
  double knee = 8;
  /// How much of the disks' throughput seeking takes for each further knee of boots: with 0.5,
  /// twice the knee gets two thirds of the work done that the knee gets, three times the knee half.
  double decay = 0.5;
  double boot_cpu = 0.5;  ///< Cores that a boot keeps busy when nothing holds it up.
};

/// What so many boots at once do to each other.
struct Strain {
  double speed = 1;  ///< Of each of them, as a share of its speed when it is alone.
  double io_full = 0;
  double cpu_some = 0;
};

/// The model. Below the knee each boot goes at full speed, and the share of time in which all tasks
/// wait for the disks grows evenly, to 0.4 at the knee: a boot that waits no longer than on its own
/// disk spends as much on reading. Beyond the knee the throughput is shared and shrinks by `decay`;
/// all the time that a boot loses by it is time in which everybody waits. The processors are shared
/// evenly once the boots keep more than all of them busy.
[[nodiscard]] Strain strain_of(std::size_t boots, const Hardware& hardware);

/// The boots of one node, which slow each other down, and the pressure that the kernel would tell.
class BootLoad {
 public:
  BootLoad(Hardware hardware, Tick now) : hardware_(hardware), now_(now) {}

  /// `work`: how long the boot takes alone.
  void begin(const VmUuid& guest, Duration work);
  /// The guest is gone.
  void drop(const VmUuid& guest) { left_.erase(guest); }
  void clear() { left_.clear(); }
  /// Lets time pass, at most to `next_end`; returns the guests that have booted.
  std::vector<VmUuid> advance(Tick now);
  [[nodiscard]] std::optional<Tick> next_end() const;
  /// PSI's avg10.
  [[nodiscard]] const Pressure& pressure() const { return pressure_; }
  [[nodiscard]] std::size_t boots() const { return left_.size(); }

 private:
  Hardware hardware_;
  Tick now_;
  std::map<VmUuid, Seconds> left_;  ///< Of its work.
  Pressure pressure_{.cpu_some = 0, .io_some = 0, .io_full = 0, .memory_some = 0};
};

}  // namespace upkeep::simulation
