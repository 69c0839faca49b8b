#include "remediation/effects/libvirt_control.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <utility>

#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

using Slots = std::counting_semaphore<LibvirtControl::kMaxCalls>;

/// One of the calls in flight.
class Slot {
 public:
  explicit Slot(Slots& slots) : slots_(slots) { slots_.acquire(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { slots_.release(); }

 private:
  Slots& slots_;
};

Result<DomainHandle> look_up(const ConnectionHandle& connection, const VmUuid& uuid,
                             std::string_view attempt) {
  DomainHandle domain(virDomainLookupByUUIDString(connection.get(), uuid.value.c_str()));
  if (domain != nullptr) return domain;
  return std::unexpected(last_libvirt_error(fmt::format("{} VM {}", attempt, uuid.value)));
}

Result<void> start_over(const ConnectionHandle& connection, const VmUuid& uuid) {
  const auto domain = look_up(connection, uuid, "start");
  if (!domain) return std::unexpected(domain.error());
  // Named before the call: asking for the name would wipe out the call's error.
  const std::string attempt = fmt::format("start VM '{}'", virDomainGetName(domain->get()));
  if (virDomainCreate(domain->get()) == 0) return {};
  Error error = last_libvirt_error(attempt);
  // libvirt says "invalid operation" about more than a VM that runs already, and a conflict costs
  // no attempt: without somebody's guest there, this start failed.
  if (error.code == Errc::conflict && virDomainIsActive(domain->get()) != 1) {
    error.code = Errc::failed;
  }
  return std::unexpected(std::move(error));
}

Result<void> destroy_over(const ConnectionHandle& connection, const VmUuid& uuid) {
  const auto domain = look_up(connection, uuid, "destroy crashed");
  if (!domain) return std::unexpected(domain.error());
  const std::string attempt =
      fmt::format("destroy crashed VM '{}'", virDomainGetName(domain->get()));
  int state = VIR_DOMAIN_NOSTATE;
  if (virDomainGetState(domain->get(), &state, nullptr, 0) < 0) {
    return std::unexpected(last_libvirt_error(attempt));
  }
  if (state != VIR_DOMAIN_CRASHED) {
    return fail(Errc::conflict, fmt::format("{}: it is not crashed any more", attempt));
  }
  if (virDomainDestroy(domain->get()) == 0) return {};
  return std::unexpected(last_libvirt_error(attempt));
}

}  // namespace

LibvirtControl::LibvirtControl(std::string uri)
    : link_(std::move(uri), LibvirtAccess::read_write) {}

Result<void> LibvirtControl::start(const VmUuid& uuid) {
  const Slot slot(slots_);
  const auto connection = link_.connection();
  if (!connection) return std::unexpected(connection.error());
  return start_over(*connection, uuid);
}

Result<void> LibvirtControl::destroy_crashed(const VmUuid& uuid) {
  const Slot slot(slots_);
  const auto connection = link_.connection();
  if (!connection) return std::unexpected(connection.error());
  return destroy_over(*connection, uuid);
}

}  // namespace upkeep
