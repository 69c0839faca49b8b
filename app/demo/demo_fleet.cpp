#include "app/demo/demo_fleet.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <utility>

#include "platform/libvirt_connection.h"
#include "platform/libvirt_error.h"

namespace upkeep {
namespace {

std::string to_xml(const DemoVm& vm) {
  const std::string disk = vm.resource
                               ? fmt::format(
                                     "<disk type='block' device='disk'><source dev='/dev/drbd{}'/>"
                                     "<target dev='vda' bus='virtio'/></disk>",
                                     vm.minor.value)
                               : fmt::format(
                                     "<disk type='file' device='disk'>"
                                     "<source file='/var/lib/libvirt/images/{}.qcow2'/>"
                                     "<target dev='vda' bus='virtio'/></disk>",
                                     vm.name);
  return fmt::format(
      "<domain type='test'><name>{}</name><memory unit='MiB'>{}</memory><vcpu>{}</vcpu>"
      "<os><type>hvm</type></os><devices>{}"
      "<interface type='network'><source network='default'/></interface></devices></domain>",
      vm.name, vm.memory_mib, vm.vcpus, disk);
}

/// The driver comes with one running domain that has nothing to do with the demo.
void remove_builtin(const ConnectionHandle& connection) {
  const DomainHandle builtin(virDomainLookupByName(connection.get(), "test"));
  if (builtin == nullptr) return;
  virDomainDestroy(builtin.get());
  virDomainUndefine(builtin.get());
}

Result<void> add(const ConnectionHandle& connection, const DemoVm& vm) {
  // A driver that another connection kept alive still has the VM of an earlier demo.
  const DomainHandle domain(virDomainDefineXML(connection.get(), to_xml(vm).c_str()));
  if (domain == nullptr) {
    return std::unexpected(last_libvirt_error(fmt::format("define demo VM '{}'", vm.name)));
  }
  if (!vm.running || virDomainIsActive(domain.get()) == 1) return {};
  if (virDomainCreate(domain.get()) < 0) {
    return std::unexpected(last_libvirt_error(fmt::format("start demo VM '{}'", vm.name)));
  }
  return {};
}

Result<void> let_die(const DomainHandle& domain, std::string_view name) {
  if (virDomainCoreDump(domain.get(), "/dev/null", VIR_DUMP_CRASH) < 0) {
    return std::unexpected(last_libvirt_error(fmt::format("crash VM '{}'", name)));
  }
  return {};
}

Result<void> needs_running(const DomainHandle& domain, const VmName& vm) {
  if (virDomainIsActive(domain.get()) == 1) return {};
  return fail(Errc::conflict, fmt::format("{} is not running", vm.value));
}

}  // namespace

const std::vector<DemoVm>& demo_vms() {
  static const std::vector<DemoVm> vms{
      {.name = "dns1", .memory_mib = 256},
      {.name = "dns2", .memory_mib = 256},
      {.name = "db1",
       .memory_mib = 8192,
       .vcpus = 4,
       .resource = ResourceName{"db1"},
       .minor = {0}},
      {.name = "db2",
       .memory_mib = 8192,
       .vcpus = 4,
       .resource = ResourceName{"db2"},
       .minor = {1}},
      {.name = "mail1",
       .memory_mib = 4096,
       .vcpus = 2,
       .resource = ResourceName{"mail1"},
       .minor = {2}},
      {.name = "files1",
       .memory_mib = 2048,
       .vcpus = 2,
       .resource = ResourceName{"files1"},
       .minor = {3}},
      {.name = "web1", .memory_mib = 1024, .vcpus = 2},
      {.name = "web2", .memory_mib = 1024, .vcpus = 2},
      {.name = "web3", .memory_mib = 1024, .vcpus = 2},
      {.name = "web4", .memory_mib = 1024, .vcpus = 2},
      {.name = "ci1", .memory_mib = 4096, .vcpus = 4},
      {.name = "monitor1", .memory_mib = 2048, .vcpus = 2},
      // Was off before upkeep came: nobody said that it is wanted, so it stays off.
      {.name = "oldwiki", .memory_mib = 512, .running = false},
  };
  return vms;
}

Result<DemoFleet> DemoFleet::create() {
  auto connection = open_libvirt(std::string(kDemoUri), LibvirtAccess::read_write);
  if (!connection) return std::unexpected(std::move(connection.error()));
  remove_builtin(*connection);
  for (const DemoVm& vm : demo_vms()) {
    if (auto added = add(*connection, vm); !added) return std::unexpected(std::move(added.error()));
  }
  return DemoFleet(std::move(*connection));
}

Result<DomainHandle> DemoFleet::find(const VmName& vm) const {
  DomainHandle domain(virDomainLookupByName(connection_.get(), vm.value.c_str()));
  if (domain != nullptr) return domain;
  std::string known;
  for (const DemoVm& one : demo_vms()) {
    if (!known.empty()) known += ", ";
    known += one.name;
  }
  return fail(Errc::not_found, fmt::format("no VM named '{}' (there are {})", vm.value, known));
}

Result<void> DemoFleet::crash(const VmName& vm) const {
  const auto domain = find(vm);
  if (!domain) return std::unexpected(domain.error());
  if (auto running = needs_running(*domain, vm); !running) return running;
  return let_die(*domain, vm.value);
}

Result<void> DemoFleet::destroy(const VmName& vm) const {
  const auto domain = find(vm);
  if (!domain) return std::unexpected(domain.error());
  if (auto running = needs_running(*domain, vm); !running) return running;
  if (virDomainDestroy(domain->get()) < 0) {
    return std::unexpected(last_libvirt_error(fmt::format("stop VM '{}'", vm.value)));
  }
  return {};
}

Result<std::size_t> DemoFleet::crash_all() const {
  std::size_t died = 0;
  for (const DemoVm& vm : demo_vms()) {
    const auto domain = find(VmName{std::string(vm.name)});
    if (!domain || virDomainIsActive(domain->get()) != 1) continue;
    if (auto dead = let_die(*domain, vm.name); !dead) return std::unexpected(dead.error());
    ++died;
  }
  return died;
}

}  // namespace upkeep
