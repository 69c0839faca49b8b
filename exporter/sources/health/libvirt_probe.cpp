#include "exporter/sources/health/libvirt_probe.h"

#include <fmt/format.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include <cstdlib>
#include <memory>

#include "exporter/sources/health/tcp_knock.h"
#include "exporter/sources/hypervisor/domain_reader.h"

namespace upkeep {
namespace {

struct Free {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): libvirt malloc'ed it
  void operator()(char* text) const noexcept { std::free(text); }
};

CheckAnswer not_asked(std::string detail) {
  return {.kind = CheckAnswer::Kind::not_asked, .detail = std::move(detail)};
}

}  // namespace

CheckAnswer to_answer(const LibvirtFailure& failure) {
  const auto unhealthy = [](std::string_view detail) {
    return CheckAnswer{.kind = CheckAnswer::Kind::unhealthy, .detail = std::string(detail)};
  };
  switch (failure.code) {
    case VIR_ERR_AGENT_UNRESPONSIVE:
      return unhealthy(failure.message.find("not connected") != std::string::npos
                           ? "the guest agent is not connected"
                           : "the guest agent does not answer");
    case VIR_ERR_AGENT_UNSYNCED: return unhealthy("the guest agent does not answer");
    case VIR_ERR_ARGUMENT_UNSUPPORTED:
    case VIR_ERR_CONFIG_UNSUPPORTED:
      return unhealthy(
          "the VM has no guest agent channel (virtio-serial port org.qemu.guest_agent.0)");
    // The agent's own word, as long as the connection isn't what broke.
    case VIR_ERR_INTERNAL_ERROR:
      if (to_errc(failure) != Errc::unavailable) return unhealthy("agent: " + failure.message);
      break;
    default: break;
  }
  return not_asked("the guest agent can't be asked: " + failure.message);
}

CheckAnswer LibvirtProbe::ask(const CheckOrder& order) {
  switch (order.check.kind) {
    case HealthCheck::Kind::agent: return ask_agent(order.run);
    case HealthCheck::Kind::tcp: return knock(order.check.host, order.check.port, kAnswerDeadline);
    case HealthCheck::Kind::none: break;
  }
  return not_asked("it has no check");
}

CheckAnswer LibvirtProbe::ask_agent(int run) {
  const auto connection = link_.connection();
  if (!connection) {
    return not_asked("the guest agent can't be asked: " + connection.error().message);
  }
  // By its number, so that another run of the VM is never asked.
  const DomainHandle domain(virDomainLookupByID(connection->get(), run));
  if (domain == nullptr) {
    if (!is_alive(*connection)) link_.drop(*connection);
    return not_asked("it has just stopped");
  }
  if (read_job(domain.get()).value_or(false)) return not_asked("a libvirt job is on");
  const std::unique_ptr<char, Free> reply(virDomainQemuAgentCommand(
      domain.get(), R"({"execute":"guest-ping"})", static_cast<int>(kAnswerDeadline.count()), 0));
  if (reply != nullptr) return {.kind = CheckAnswer::Kind::healthy, .detail = {}};
  const LibvirtFailure failure = last_libvirt_failure();
  if (is_alive(*connection)) return to_answer(failure);
  link_.drop(*connection);
  return not_asked("the guest agent can't be asked: " + failure.message);
}

Result<std::vector<ActiveVm>> ActiveVms::read(
    const std::function<HealthCheck(const VmName&)>& check_of) {
  const auto connection = link_.connection();
  if (!connection) return std::unexpected(connection.error());
  const auto states = read_states(*connection);
  if (!is_alive(*connection)) {
    link_.drop(*connection);
    return fail(Errc::unavailable, fmt::format("libvirtd at {}: connection lost", link_.uri()));
  }
  if (!states) return std::unexpected(states.error());
  std::vector<ActiveVm> active;
  for (const DomainState& seen : *states) {
    if (is_down(seen.state) || seen.state == VmState::unknown) continue;
    HealthCheck check = check_of(seen.name);
    if (check.kind == HealthCheck::Kind::none) continue;
    active.push_back({.uuid = seen.uuid,
                      .run = static_cast<int>(virDomainGetID(seen.domain.get())),
                      .running = is_up(seen.state),
                      .check = std::move(check)});
  }
  return active;
}

}  // namespace upkeep
