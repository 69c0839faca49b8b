// What `upkeep check` asks libvirt.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "app/cli/check.h"
#include "app/config_values.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "platform/libvirt_connection.h"

namespace upkeep::cli {
namespace {

/// An answer that another thread gives, or doesn't.
template <class T>
class Awaited {
 public:
  void set(T value) {
    const std::scoped_lock lock(mutex_);
    if (!value_) value_ = std::move(value);
    came_.notify_all();
  }
  [[nodiscard]] std::optional<T> wait(Duration patience) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, patience, [this] { return value_.has_value(); });
    return value_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::optional<T> value_;
};

/// Waits for a source's first reading and hears nothing else.
class FirstReading final : public SourceListener {
 public:
  void published(SourceKind source) override {
    if (source == SourceKind::libvirt) published_.set(true);
  }
  void vm_event(const VmEvent& /*event*/) override {}
  void drbd_event(const DrbdEvent& /*event*/) override {}
  void read_finished(SourceKind /*source*/, Duration /*took*/, bool /*succeeded*/) override {}
  void unparsed(SourceKind /*source*/, std::string_view /*what*/) override {}

  bool wait(Duration patience) { return published_.wait(patience).has_value(); }

 private:
  Awaited<bool> published_;
};

std::unexpected<Error> no_answer(const std::string& uri, Duration patience) {
  return fail(Errc::timed_out,
              fmt::format("libvirt at {} does not answer within {}", uri, duration_text(patience)));
}

bool is_on(const Vm& vm, DiskBacking backing) {
  return std::ranges::any_of(vm.disks, [&](const VmDisk& disk) { return disk.backing == backing; });
}

void check_start_at_boot(const Vm& vm, const VmPolicy& policy, CheckReport& report) {
  if (vm.autostart != true) return;
  const auto warn = [&](std::string_view storage, std::string_view what) {
    report.push_back({Grade::warning, "vm",
                      fmt::format("{} lies on {} and is set to autostart: libvirtd would start it "
                                  "at boot before anybody has {}",
                                  vm.name.value, storage, what),
                      fmt::format("virsh autostart --disable {}", vm.name.value)});
  };
  if (is_on(vm, DiskBacking::drbd)) warn("DRBD", "looked at its storage");
  if (is_on(vm, DiskBacking::shared) && !policy.exclusive) {
    warn("shared storage", "asked whether it runs on another node");
  }
}

void check_storage(const Vm& vm, const Config& config, const VmPolicy& policy,
                   CheckReport& report) {
  if (is_on(vm, DiskBacking::shared) && config.peers.empty() && !policy.exclusive) {
    report.push_back(
        {Grade::warning, "vm",
         fmt::format("{} lies on shared storage and no [[peer]] is configured: it may run "
                     "elsewhere, so it will not be started",
                     vm.name.value),
         "add the other nodes as [[peer]], or exclusive = true for this VM"});
  }
  if (is_on(vm, DiskBacking::shared) && !config.peers.empty() && !policy.exclusive &&
      policy.keep == Keep::up) {
    report.push_back({Grade::note, "vm",
                      fmt::format("{} lies on shared storage and has keep = \"up\": where another "
                                  "node's configuration says so too, none of them starts it",
                                  vm.name.value),
                      R"(leave keep at "auto", or say "up" on one node only)"});
  }
  if (is_on(vm, DiskBacking::drbd) && config.drbd.enabled == DrbdUse::off) {
    report.push_back({Grade::warning, "vm",
                      fmt::format("{} lies on DRBD, which is switched off: it will not be started",
                                  vm.name.value),
                      "set [drbd] enabled = \"auto\""});
  }
  std::vector<std::string> unseen;
  for (const VmDisk& disk : vm.disks) {
    if (disk.backing == DiskBacking::unknown) unseen.push_back(disk.target.value);
  }
  if (!unseen.empty()) {
    report.push_back({Grade::warning, "vm",
                      fmt::format("{}: can't find out what {} rests on, so it will not be started",
                                  vm.name.value, fmt::join(unseen, ", ")),
                      ""});
  }
}

/// VMs that upkeep can't or won't look after, a line for each reason.
void note_left_alone(const Vms& vms, CheckReport& report) {
  std::vector<std::string> transient;
  for (const Vm& vm : vms) {
    if (!vm.persistent) transient.push_back(vm.name.value);
    if (vm.other_manager.empty()) continue;
    report.push_back(
        {Grade::note, "vm",
         fmt::format("{} belongs to {}: left alone unless marked", vm.name.value, vm.other_manager),
         ""});
  }
  if (transient.empty()) return;
  report.push_back(
      {Grade::note, "vm",
       fmt::format("transient, so nothing is left to start them from once they stop: {}",
                   fmt::join(transient, ", ")),
       "virsh dumpxml VM > vm.xml; virsh define vm.xml"});
}

void check_matches(const Vms& vms, const Policy& policy, CheckReport& report) {
  for (const VmPolicy& block : policy.vms) {
    const bool used = std::ranges::any_of(
        vms, [&](const Vm& vm) { return policy_for(policy, vm.name).match == block.match; });
    if (used) continue;
    report.push_back({Grade::note, "config",
                      fmt::format("[[vm]] match = \"{}\" applies to no VM now", block.match), ""});
  }
}

void check_after(const Vms& vms, const Policy& policy, CheckReport& report) {
  for (const VmPolicy& block : policy.vms) {
    for (const VmName& name : block.after) {
      if (std::ranges::count(vms, name, &Vm::name) > 0) continue;
      report.push_back({Grade::warning, "config",
                        fmt::format("[[vm]] match = \"{}\": after names {}, which libvirt does not "
                                    "list: nobody waits for it",
                                    block.match, name.value),
                        ""});
    }
  }
}

}  // namespace

SystemLibvirtProbe::SystemLibvirtProbe(std::string uri, std::filesystem::path root,
                                       Duration patience)
    : uri_(std::move(uri)), root_(std::move(root)), patience_(patience) {}

Result<Vms> SystemLibvirtProbe::list() {
  const SystemClock clock;
  FirstReading first;
  LibvirtSource source({.uri = uri_, .stats = false, .root = root_}, clock, first);
  source.start();
  if (!first.wait(patience_)) return no_answer(uri_, patience_);
  const auto vms = source.latest();
  if (!vms.reading) return std::unexpected(vms.reading.error());
  return **vms.reading;
}

Result<void> SystemLibvirtProbe::may_act() {
  // Shared with the thread, which may outlive this call: libvirt can't be interrupted.
  const auto answer = std::make_shared<Awaited<Result<void>>>();
  AbandonableThread thread;
  thread.start([answer, uri = uri_](const std::stop_token& /*stop*/) {
    const Result<ConnectionHandle> opened = open_libvirt(uri, LibvirtAccess::read_write);
    answer->set(opened ? Result<void>{} : std::unexpected(opened.error()));
  });
  return answer->wait(patience_).value_or(no_answer(uri_, patience_));
}

void check_libvirt(const Config& config, LibvirtProbe& libvirt, CheckReport& report) {
  const Result<Vms> vms = libvirt.list();
  if (!vms) {
    report.push_back({Grade::error, "libvirt", vms.error().message,
                      "is libvirtd running? may this user read from it? `virsh -c " +
                          config.libvirt.uri + " list --all`"});
    return;
  }
  const auto running = std::ranges::count_if(*vms, [](const Vm& vm) { return is_up(vm.state); });
  report.push_back({Grade::ok, "libvirt",
                    fmt::format("{}: {} VMs, {} running", config.libvirt.uri, vms->size(), running),
                    ""});
  if (const Result<void> allowed = libvirt.may_act(); !allowed) {
    report.push_back({config.mode == Mode::act ? Grade::error : Grade::note, "libvirt",
                      fmt::format("VMs can be seen but not started: {}", allowed.error().message),
                      "run it as root, or give this user libvirt's permission to manage"});
  }
  const Policy policy = to_policy(config);
  for (const Vm& vm : *vms) {
    const VmPolicy of_vm = policy_for(policy, vm.name);
    if (of_vm.keep == Keep::ignore) continue;
    check_start_at_boot(vm, of_vm, report);
    check_storage(vm, config, of_vm, report);
  }
  note_left_alone(*vms, report);
  check_matches(*vms, policy, report);
  check_after(*vms, policy, report);
}

}  // namespace upkeep::cli
