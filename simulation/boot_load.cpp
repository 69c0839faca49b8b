#include "simulation/boot_load.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace upkeep::simulation {
namespace {

constexpr double kFullAtKnee = 0.4;
constexpr double kMostPressure = 0.99;
/// Of the kernel's ten-second average.
constexpr double kAverageSeconds = 10;
/// Less work than this is none: times are whole nanoseconds.
constexpr Seconds kNothing{1e-8};

void follow(std::optional<double>& average, double now, double weight) {
  average = average.value_or(0) + ((now - average.value_or(0)) * weight);
}

}  // namespace

Strain strain_of(std::size_t boots, const Hardware& hardware) {
  if (boots == 0) return {};
  const auto count = static_cast<double>(boots);
  const double crowd = count / hardware.knee;
  const double disk_speed = crowd <= 1 ? 1 : 1 / (crowd * (1 + (hardware.decay * (crowd - 1))));
  const double busy = count * hardware.boot_cpu * disk_speed / hardware.cores;
  const double cpu_speed = busy <= 1 ? 1 : 1 / busy;
  return {.speed = disk_speed * cpu_speed,
          .io_full = std::min(kMostPressure, crowd <= 1 ? kFullAtKnee * crowd
                                                        : 1 - (disk_speed * (1 - kFullAtKnee))),
          .cpu_some = std::min(kMostPressure, busy <= 1 ? busy / 2 : 1 - (1 / (2 * busy)))};
}

void BootLoad::begin(const VmUuid& guest, Duration work) { left_[guest] = Seconds(work); }

std::vector<VmUuid> BootLoad::advance(Tick now) {
  const Seconds passed = now - now_;
  now_ = now;
  if (passed <= Seconds::zero()) return {};
  const Strain strain = strain_of(left_.size(), hardware_);
  const double weight = 1 - std::exp(-passed.count() / kAverageSeconds);
  follow(pressure_.io_full, strain.io_full, weight);
  follow(pressure_.io_some, std::min(kMostPressure, 1.5 * strain.io_full), weight);
  follow(pressure_.cpu_some, strain.cpu_some, weight);
  std::vector<VmUuid> booted;
  for (auto& [guest, left] : left_) {
    left -= passed * strain.speed;
    if (left <= kNothing) booted.push_back(guest);
  }
  for (const VmUuid& guest : booted) left_.erase(guest);
  return booted;
}

std::optional<Tick> BootLoad::next_end() const {
  if (left_.empty()) return std::nullopt;
  const auto least =
      std::ranges::min_element(left_, {}, [](const auto& entry) { return entry.second; });
  const Seconds wait = least->second / strain_of(left_.size(), hardware_).speed;
  return now_ + std::chrono::ceil<Duration>(std::max(wait, Seconds::zero()));
}

}  // namespace upkeep::simulation
