#include "remediation/effects/libvirt_control.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "platform/libvirt_connection.h"
#include "platform/libvirt_error.h"
#include "remediation/effects/disk_element.h"
#include "remediation/effects/on_reboot.h"

namespace upkeep {
namespace {

struct Free {
  void operator()(char* text) const {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
    std::free(text);
  }
};

/// A place, and who has the last word on what is called from it.
struct Call {
  CallPlaces::Place place;
  LastWord last_word;
};

/// Asked right before what changes something: libvirtd may have taken its time for the looks
/// before, and nobody reckons with the call any more.
Result<void> go_ahead(const Call& call, std::string_view attempt) {
  if (!call.place.in_time()) {
    return fail(Errc::unavailable,
                fmt::format("{}: libvirtd was too slow, so it was not sent", attempt));
  }
  return call.last_word ? call.last_word() : Result<void>{};
}

Result<DomainHandle> look_up(const Call& call, const VmUuid& uuid, std::string_view attempt) {
  DomainHandle domain(
      virDomainLookupByUUIDString(call.place.connection().get(), uuid.value.c_str()));
  if (domain != nullptr) return domain;
  return std::unexpected(last_libvirt_error(fmt::format("{} VM {}", attempt, uuid.value)));
}

Result<void> start_over(const Call& call, const VmUuid& uuid) {
  const auto domain = look_up(call, uuid, "start");
  if (!domain) return std::unexpected(domain.error());
  // Named before the call: asking for the name would wipe out the call's error.
  const std::string attempt = fmt::format("start VM '{}'", virDomainGetName(domain->get()));
  if (auto word = go_ahead(call, attempt); !word) return word;
  if (virDomainCreate(domain->get()) == 0) return {};
  Error error = last_libvirt_error(attempt);
  // libvirt says "invalid operation" about more than a VM that runs already, and a conflict costs
  // no attempt: without somebody's guest there, this start failed.
  if (error.code == Errc::conflict && virDomainIsActive(domain->get()) != 1) {
    error.code = Errc::failed;
  }
  return std::unexpected(std::move(error));
}

Result<void> destroy_over(const Call& call, const VmUuid& uuid) {
  const auto domain = look_up(call, uuid, "destroy crashed");
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
  if (auto word = go_ahead(call, attempt); !word) return word;
  if (virDomainDestroy(domain->get()) == 0) return {};
  return std::unexpected(last_libvirt_error(attempt));
}

Result<void> resume_over(const Call& call, const VmUuid& uuid) {
  const auto domain = look_up(call, uuid, "resume");
  if (!domain) return std::unexpected(domain.error());
  const std::string attempt = fmt::format("resume VM '{}'", virDomainGetName(domain->get()));
  int state = VIR_DOMAIN_NOSTATE;
  int reason = 0;
  if (virDomainGetState(domain->get(), &state, &reason, 0) < 0) {
    return std::unexpected(last_libvirt_error(attempt));
  }
  if (state != VIR_DOMAIN_PAUSED || reason != VIR_DOMAIN_PAUSED_IOERROR) {
    return fail(Errc::conflict,
                fmt::format("{}: it is not paused by an I/O error any more", attempt));
  }
  if (auto word = go_ahead(call, attempt); !word) return word;
  if (virDomainResume(domain->get()) == 0) return {};
  return std::unexpected(last_libvirt_error(attempt));
}

Result<std::string> definition_of(const DomainHandle& domain, unsigned flags,
                                  std::string_view attempt) {
  const std::unique_ptr<char, Free> xml(virDomainGetXMLDesc(domain.get(), flags));
  if (xml == nullptr) return std::unexpected(last_libvirt_error(attempt));
  return std::string(xml.get());
}

Result<void> reset_over(const Call& call, const VmUuid& uuid) {
  const auto domain = look_up(call, uuid, "reset");
  if (!domain) return std::unexpected(domain.error());
  const std::string attempt = fmt::format("reset VM '{}'", virDomainGetName(domain->get()));
  int state = VIR_DOMAIN_NOSTATE;
  if (virDomainGetState(domain->get(), &state, nullptr, 0) < 0) {
    return std::unexpected(last_libvirt_error(attempt));
  }
  if (state != VIR_DOMAIN_RUNNING) {
    return fail(Errc::conflict, fmt::format("{}: it is not running any more", attempt));
  }
  const auto live = definition_of(*domain, 0, attempt);
  if (!live) return std::unexpected(live.error());
  if (const std::string what = on_reboot(*live); what != "restart") {
    return fail(Errc::invalid, fmt::format("{}: a reset would end it, because its on_reboot is "
                                           "'{}' and not 'restart'",
                                           attempt, what));
  }
  if (auto word = go_ahead(call, attempt); !word) return word;
  if (virDomainReset(domain->get(), 0) == 0) return {};
  return std::unexpected(last_libvirt_error(attempt));
}

Result<void> attach_xml(const DomainHandle& domain, const std::string& xml,
                        std::string_view attempt) {
  if (virDomainAttachDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE) == 0) return {};
  return std::unexpected(last_libvirt_error(attempt));
}

Result<void> attach_over(const Call& call, const VmUuid& uuid, const DiskTarget& disk) {
  const auto domain = look_up(call, uuid, "attach a disk to");
  if (!domain) return std::unexpected(domain.error());
  const std::string attempt =
      fmt::format("attach disk {} to VM '{}'", disk.value, virDomainGetName(domain->get()));
  const auto live = definition_of(*domain, 0, attempt);
  if (!live) return std::unexpected(live.error());
  // libvirt's word for a target in use is the same as for a bad address: told apart before.
  if (disk_element(*live, disk)) {
    return fail(Errc::conflict, fmt::format("{}: it is attached already", attempt));
  }
  const auto defined =
      definition_of(*domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE, attempt);
  if (!defined) return std::unexpected(defined.error());
  const auto element = disk_element(*defined, disk);
  if (!element) {
    return fail(Errc::not_found, fmt::format("{}: its definition has no such disk", attempt));
  }
  if (auto word = go_ahead(call, attempt); !word) return word;
  auto attached = attach_xml(*domain, *element, attempt);
  if (attached || last_libvirt_failure().code != VIR_ERR_XML_ERROR) return attached;
  if (auto word = go_ahead(call, attempt); !word) return word;
  // A disk that was dropped at start leaves its address reserved.
  return attach_xml(*domain, without_address(*element), attempt);
}

class Session final : public HypervisorSession {
 public:
  explicit Session(Call call) : call_(std::move(call)) {}

  /// virDomainCreate without any flag: a managed save image is resumed, never thrown away.
  /// Conflict only when the VM is there already, whoever started it.
  [[nodiscard]] Result<void> start(const VmUuid& uuid) override { return start_over(call_, uuid); }
  [[nodiscard]] Result<void> destroy_crashed(const VmUuid& uuid) override {
    return destroy_over(call_, uuid);
  }
  [[nodiscard]] Result<void> resume(const VmUuid& uuid) override {
    return resume_over(call_, uuid);
  }
  [[nodiscard]] Result<void> reset(const VmUuid& uuid) override { return reset_over(call_, uuid); }
  [[nodiscard]] Result<void> attach_disk(const VmUuid& uuid, const DiskTarget& disk) override {
    return attach_over(call_, uuid, disk);
  }

 private:
  Call call_;
};

}  // namespace

LibvirtControl::LibvirtControl(std::string uri)
    : places_([uri = std::move(uri)] { return open_libvirt(uri, LibvirtAccess::read_write); },
              std::make_shared<SystemClock>()) {}

Result<std::unique_ptr<HypervisorSession>> LibvirtControl::session(const Terms& terms) {
  auto place = places_.take(terms.deadline);
  if (!place) return std::unexpected(place.error());
  return std::make_unique<Session>(Call{.place = std::move(*place), .last_word = terms.last_word});
}

}  // namespace upkeep
