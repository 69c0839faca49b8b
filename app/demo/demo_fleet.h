#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/ids.h"
#include "exporter/model/result.h"
#include "platform/libvirt_handles.h"

namespace upkeep {

/// One VM of the demo.
struct DemoVm {
  std::string_view name;
  unsigned memory_mib = 512;
  unsigned vcpus = 1;
  std::optional<ResourceName> resource = {};  ///< Its disk is this simulated DRBD resource's.
  DeviceMinor minor = {};
  bool running = true;
};

/// The demo's VMs, the DRBD-backed ones too.
[[nodiscard]] const std::vector<DemoVm>& demo_vms();

/// libvirt's test driver, shared by every connection of this process as long as one is open.
inline constexpr std::string_view kDemoUri = "test:///default";

/// A dozen VMs in libvirt's test driver, inside this process. They are gone when this object and
/// every other connection to the driver are. Thread-safe.
class DemoFleet {
 public:
  /// Defines and starts the VMs; the driver's own domain "test" is removed.
  [[nodiscard]] static Result<DemoFleet> create();

  /// Lets the guest die as if QEMU had been killed.
  [[nodiscard]] Result<void> crash(const VmName& vm) const;
  /// What `virsh destroy` does: an operator's stop.
  [[nodiscard]] Result<void> destroy(const VmName& vm) const;
  /// Every running guest dies at once. Returns how many did.
  [[nodiscard]] Result<std::size_t> crash_all() const;

 private:
  explicit DemoFleet(ConnectionHandle connection) : connection_(std::move(connection)) {}
  [[nodiscard]] Result<DomainHandle> find(const VmName& vm) const;

  ConnectionHandle connection_;
};

}  // namespace upkeep
