#pragma once

#include <functional>
#include <string>
#include <vector>

#include "exporter/model/result.h"
#include "exporter/sources/health/check.h"
#include "platform/libvirt_connection.h"
#include "platform/libvirt_error.h"

namespace upkeep {

/// What a failed call of the guest agent says. Pure.
[[nodiscard]] CheckAnswer to_answer(const LibvirtFailure& failure);

/// Asks the guest agent through libvirt, or knocks at a TCP port. The agent needs a read-write
/// connection, which is opened when the first agent is asked. A guest with a libvirt job on
/// (migration, backup, snapshot) is not asked. A guest whose file systems are frozen still answers:
/// the agent goes on taking guest-ping (QEMU's qga/main.c).
class LibvirtProbe final : public GuestProbe {
 public:
  explicit LibvirtProbe(std::string uri) : link_(std::move(uri), LibvirtAccess::read_write) {}

  [[nodiscard]] CheckAnswer ask(const CheckOrder& order) override;

 private:
  [[nodiscard]] CheckAnswer ask_agent(int run);

  LibvirtLink link_;
};

/// Lists the active VMs that have a check, over a read-only connection of its own. Not thread-safe;
/// blocks while libvirtd does.
class ActiveVms {
 public:
  explicit ActiveVms(std::string uri) : link_(std::move(uri), LibvirtAccess::read_only) {}

  [[nodiscard]] Result<std::vector<ActiveVm>> read(
      const std::function<HealthCheck(const VmName&)>& check_of);

 private:
  LibvirtLink link_;
};

}  // namespace upkeep
