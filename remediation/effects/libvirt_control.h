#pragma once

#include <semaphore>
#include <string>

#include "platform/libvirt_connection.h"
#include "remediation/effects.h"

namespace upkeep {

/// Acts on VMs over a read-write connection, opened when first needed and again when it died.
class LibvirtControl final : public HypervisorControl {
 public:
  /// Calls in flight at once. libvirtd serves 5 per connection and lets further ones wait for ever
  /// behind hanging ones.
  static constexpr int kMaxCalls = 4;

  explicit LibvirtControl(std::string uri);

  /// virDomainCreate without any flag: a managed save image is resumed, never thrown away.
  /// Conflict only when the VM is there already, whoever started it.
  [[nodiscard]] Result<void> start(const VmUuid& uuid) override;
  [[nodiscard]] Result<void> destroy_crashed(const VmUuid& uuid) override;
  [[nodiscard]] Result<void> resume(const VmUuid& uuid) override;
  [[nodiscard]] Result<void> reset(const VmUuid& uuid) override;
  [[nodiscard]] Result<void> attach_disk(const VmUuid& uuid, const DiskTarget& disk) override;

 private:
  LibvirtLink link_;
  std::counting_semaphore<kMaxCalls> slots_{kMaxCalls};
};

}  // namespace upkeep
