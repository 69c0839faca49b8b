#include "app/demo/demo_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

namespace upkeep {
namespace {

/// How long a power cut waits for what it did to be read.
constexpr auto kReadPatience = std::chrono::seconds(1);
constexpr auto kReadLook = std::chrono::milliseconds(5);

constexpr std::string_view kCommands =
    "crash VM, stop VM, power-cut, disconnect RESOURCE, reconnect RESOURCE";

std::vector<SimulatedKernel::Resource> demo_resources() {
  std::vector<SimulatedKernel::Resource> resources;
  for (const DemoVm& vm : demo_vms()) {
    if (vm.resource) resources.push_back({.name = *vm.resource, .minor = vm.minor});
  }
  return resources;
}

LibvirtSourceOptions libvirt_options(const DemoRoot& root) {
  LibvirtSourceOptions options;
  options.uri = kDemoUri;
  options.root = root.path();
  options.status_of_path = demo_status_of;
  return options;
}

SimulatedDrbd::Options drbd_options() {
  SimulatedDrbd::Options options;
  options.resources = demo_resources();
  return options;
}

/// Nothing boots in the demo, so that what runs is as well as it will ever be.
class DemoGuests final : public GuestProbe {
 public:
  [[nodiscard]] CheckAnswer ask(const CheckOrder& /*order*/) override {
    return {.kind = CheckAnswer::Kind::healthy, .detail = {}};
  }
};

HealthSource::Parts health_of_demo(std::shared_ptr<const Clock> clock,
                                   std::function<void()> on_news) {
  auto parts = health_parts(std::string(kDemoUri), std::move(clock), std::move(on_news));
  parts.probe = std::make_shared<DemoGuests>();
  return parts;
}

template <class Done>
bool comes_true(Done done) {
  const auto until = std::chrono::steady_clock::now() + kReadPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kReadLook);
  }
  return true;
}

/// What a source says while the node is without power.
template <class T>
Observed<T> nothing(Tick now) {
  return {.reading = fail(Errc::unavailable, "the simulated node has no power"), .at = now};
}

/// The answer of a trick that says nothing itself.
Result<std::string> said(const Result<void>& done, std::string text) {
  if (!done) return std::unexpected(done.error());
  return text;
}

}  // namespace

Result<std::shared_ptr<DemoHost>> DemoHost::create(const std::filesystem::path& directory,
                                                   std::shared_ptr<const Clock> clock,
                                                   SourceListener& listener) {
  auto root = DemoRoot::create(directory, clock->wall());
  if (!root) return std::unexpected(std::move(root.error()));
  auto fleet = DemoFleet::create();
  if (!fleet) return std::unexpected(std::move(fleet.error()));
  return std::shared_ptr<DemoHost>(
      new DemoHost(std::move(*fleet), std::move(*root), std::move(clock), listener));
}

DemoHost::DemoHost(DemoFleet fleet, DemoRoot root, std::shared_ptr<const Clock> clock,
                   SourceListener& listener)
    : clock_(std::move(clock)),
      gate_(listener),
      fleet_(std::move(fleet)),
      root_(std::move(root)),
      reader_(std::string(kDemoUri), root_.path(), demo_status_of),
      hypervisor_(std::string(kDemoUri)),
      libvirt_(libvirt_options(root_), *clock_, gate_),
      drbd_(drbd_options(), *clock_, gate_),
      node_({.root = root_.path()}, *clock_, gate_),
      health_(health_of_demo(clock_, [this] { gate_.published(SourceKind::libvirt); })) {}

void DemoHost::start() {
  node_.start();
  libvirt_.start();
  drbd_.start();
  health_.start();
}

void DemoHost::fall_silent() { gate_.close(); }

void DemoHost::poke() {
  node_.poke();
  libvirt_.poke();
  drbd_.poke();
  health_.poke();
}

Observed<std::shared_ptr<const Vms>> DemoHost::vms() const {
  return dark_ ? nothing<std::shared_ptr<const Vms>>(clock_->now()) : libvirt_.latest();
}
Observed<std::shared_ptr<const VmStatsByName>> DemoHost::vm_stats() const {
  return libvirt_.latest_stats();
}
Observed<std::shared_ptr<const Drbd>> DemoHost::drbd() const {
  return dark_ ? nothing<std::shared_ptr<const Drbd>>(clock_->now()) : drbd_.latest();
}
Observed<Node> DemoHost::node() const { return node_.latest(); }

Result<Vm> DemoHost::read_vm(const VmUuid& uuid) { return reader_.read_vm_now(uuid); }
Result<std::shared_ptr<const Drbd>> DemoHost::read_drbd(Duration /*deadline*/) {
  return drbd_.read_now();
}

Result<std::string> DemoHost::carry_out(const DemoCommand& command) {
  const std::scoped_lock lock(command_mutex_);
  const std::string& target = command.target;
  if (command.what == "power-cut") return power_cut();
  if (command.what == "crash") {
    return said(fleet_.crash(VmName{target}), fmt::format("{} crashed", target));
  }
  if (command.what == "stop") {
    return said(fleet_.destroy(VmName{target}),
                fmt::format("{} was stopped on purpose, as by virsh destroy: it stays down; "
                            "`upkeep mark {} up` wants it back",
                            target, target));
  }
  if (command.what == "disconnect") {
    return said(drbd_.cut_link(ResourceName{target}),
                fmt::format("the simulated link of {} is cut", target));
  }
  if (command.what == "reconnect") {
    return said(drbd_.mend_link(ResourceName{target}),
                fmt::format("the simulated link of {} is mended", target));
  }
  if (command.what == "help") return fmt::format("there are {}", kCommands);
  return fail(Errc::invalid,
              fmt::format("no demo command '{}': there are {}", command.what, kCommands));
}

Result<std::string> DemoHost::power_cut() {
  // A daemon that starts after a power cut has seen none of what died: it hears of the boot, and
  // then finds everything down.
  dark_ = true;
  auto said = go_dark();
  dark_ = false;
  poke();
  return said;
}

Result<std::string> DemoHost::go_dark() {
  // The boot first: what is down afterwards must be seen as down since the boot, not as taken down
  // by somebody during the old one.
  if (auto booted = root_.boot(clock_->wall()); !booted) return std::unexpected(booted.error());
  node_.poke();
  const bool boots = comes_true([&] {
    const auto node = node_.latest();
    return node.reading && node.reading->boot_id == root_.boot_id();
  });
  if (!boots) return fail(Errc::timed_out, "the simulated node does not boot");
  drbd_.power_cut();
  const auto died = fleet_.crash_all();
  if (!died) return std::unexpected(died.error());
  libvirt_.poke();
  const bool all_seen = comes_true([&] {
    const auto vms = libvirt_.latest();
    return vms.reading &&
           std::ranges::all_of(**vms.reading, [](const Vm& vm) { return is_down(vm.state); });
  });
  if (!all_seen) return fail(Errc::timed_out, "the simulated VMs do not die");
  return fmt::format(
      "power cut: {} VMs died, every simulated DRBD resource is down, the node booted again",
      *died);
}

}  // namespace upkeep
