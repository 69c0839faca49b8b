// 62 VMs whose start costs nothing (libvirt's test driver in this process): how long is a power cut
// when only upkeep's own work counts? From the daemon's start on the new boot, with everything it
// reads, decides, writes to the disk and looks at twice, to the last VM running; beside it, one
// virDomainCreate after another. And how often the journal waits for the disk meanwhile, which an
// argument makes as slow as one that boots 62 guests: milliseconds for each wait.
#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/daemon/upkeep.h"
#include "app/demo/demo_root.h"
#include "platform/libvirt_connection.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kUri = "test:///default";
constexpr int kVms = 62;
constexpr int kRounds = 7;
constexpr milliseconds kPatience{60000};

struct Disk {
  std::atomic<int> waits = 0;
  std::atomic<int> milliseconds_each = 0;
};

Disk& disk() {
  static Disk one;
  return one;
}

[[noreturn]] void give_up(const std::string& why) { throw std::runtime_error(why); }

template <class Condition>
void wait_until(const char* what, const Condition& condition) {
  const auto end = steady_clock::now() + kPatience;
  while (!condition()) {
    if (steady_clock::now() > end) give_up(fmt::format("waited in vain for {}", what));
    std::this_thread::sleep_for(milliseconds(1));
  }
}

class Fleet {
 public:
  Fleet() {
    auto connection = open_libvirt(kUri, LibvirtAccess::read_write);
    if (!connection) give_up(connection.error().message);
    connection_ = *connection;
    const DomainHandle builtin(virDomainLookupByName(connection_.get(), "test"));
    if (builtin != nullptr) {
      virDomainDestroy(builtin.get());
      virDomainUndefine(builtin.get());
    }
    for (int i = 1; i <= kVms; ++i) {
      const std::string xml = fmt::format(
          "<domain type='test'><name>vm{:02}</name><memory unit='MiB'>16</memory>"
          "<os><type>hvm</type></os></domain>",
          i);
      vms_.emplace_back(virDomainDefineXML(connection_.get(), xml.c_str()));
      if (vms_.back() == nullptr) give_up("a VM can't be defined");
    }
  }

  void start_all() const {
    for (const DomainHandle& vm : vms_) {
      if (virDomainIsActive(vm.get()) != 1 && virDomainCreate(vm.get()) < 0) {
        give_up("a VM can't be started");
      }
    }
  }
  void lose_power() const {
    for (const DomainHandle& vm : vms_) {
      if (virDomainCoreDump(vm.get(), "/dev/null", VIR_DUMP_CRASH) < 0) give_up("a VM won't die");
    }
  }
  [[nodiscard]] int running() const { return virConnectNumOfDomains(connection_.get()); }

 private:
  ConnectionHandle connection_;
  std::vector<DomainHandle> vms_;
};

/// A daemon on the fleet, looping on a thread of its own.
class Daemon {
 public:
  Daemon(const std::filesystem::path& directory, const DemoRoot& root)
      : clock_(std::make_shared<const SystemClock>()), log_(*clock_, quiet()) {
    DaemonOptions options;
    options.root = root.path();
    options.config.mode = Mode::act;
    options.config.libvirt.uri = kUri;
    options.config.drbd.enabled = DrbdUse::off;
    options.config.journal = directory / "upkeep.db";
    options.config.http.listen = {"127.0.0.1", 0};
    options.config.http.control_listen = {"127.0.0.1", 0};
    auto made = Upkeep::prepare(
        options, {.clock = clock_, .log = log_, .runtime_dir = directory, .demo_dir = {}});
    if (!made) give_up(made.error().message);
    upkeep_ = std::move(*made);
    thread_ = std::jthread([this] { upkeep_->run(); });
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() {
    upkeep_->stop();
    thread_.join();
  }

  [[nodiscard]] bool wants_all() const {
    const auto view = upkeep_->view();
    return view != nullptr && std::ranges::count_if(view->history.intents, [](const auto& line) {
                                return line.second.wanted;
                              }) == kVms;
  }
  [[nodiscard]] bool has_proved_all() const {
    const auto view = upkeep_->view();
    return view != nullptr && view->recovery != nullptr && view->recovery->ended &&
           view->in_flight.empty();
  }

 private:
  static Log::Options quiet() {
    Log::Options options;
    options.level = LogLevel::error;
    return options;
  }

  std::shared_ptr<const Clock> clock_;
  Log log_;
  std::unique_ptr<Upkeep> upkeep_;
  std::jthread thread_;
};

double milliseconds_since(steady_clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count();
}

struct Outage {
  double first = 0;        ///< Milliseconds until the first VM ran …
  double last = 0;         ///< … and until all did.
  double waits_first = 0;  ///< For the disk, until the first ran …
  double waits = 0;        ///< … and until every start was proved and on record.
};

Outage power_cut(const Fleet& fleet, const std::filesystem::path& directory, DemoRoot& root) {
  fleet.lose_power();
  if (auto booted = root.boot(SystemClock().wall()); !booted) give_up(booted.error().message);
  Outage outage;
  disk().waits = 0;
  const auto begun = steady_clock::now();
  const Daemon daemon(directory, root);
  wait_until("the first VM to run", [&] { return fleet.running() > 0; });
  outage.waits_first = disk().waits;
  outage.first = milliseconds_since(begun);
  wait_until("all VMs to run", [&] { return fleet.running() == kVms; });
  outage.last = milliseconds_since(begun);
  wait_until("all starts to be proved", [&] { return daemon.has_proved_all(); });
  outage.waits = disk().waits;
  return outage;
}

/// Two in a row: at the second one the journal knows of every VM what was done to it.
std::array<Outage, 2> by_upkeep(const Fleet& fleet) {
  // On a disk: the journal waits for it before each start.
  const test::TempDir dir(std::filesystem::temp_directory_path());
  std::filesystem::create_directory(dir.path() / "root");
  auto root = DemoRoot::create(dir.path() / "root", SystemClock().wall());
  if (!root) give_up(root.error().message);
  {
    fleet.start_all();
    const Daemon before(dir.path(), *root);
    wait_until("the VMs to be known", [&] { return before.wants_all(); });
  }
  const Outage first = power_cut(fleet, dir.path(), *root);
  return {first, power_cut(fleet, dir.path(), *root)};
}

double one_after_another(const Fleet& fleet) {
  fleet.start_all();
  fleet.lose_power();
  const auto begun = steady_clock::now();
  fleet.start_all();
  return milliseconds_since(begun);
}

double median(const std::vector<Outage>& outages, double Outage::* figure) {
  std::vector<double> values;
  for (const Outage& outage : outages) values.push_back(outage.*figure);
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(std::string_view which, const std::vector<Outage>& outages) {
  fmt::print(
      "{}: the first VM up after {:.0f} ms and {:.0f} waits for the disk, all {} after {:.0f} ms, "
      "{:.0f} waits until the last start is proved\n",
      which, median(outages, &Outage::first), median(outages, &Outage::waits_first), kVms,
      median(outages, &Outage::last), median(outages, &Outage::waits));
}

int bench() {
  const Fleet fleet;
  std::vector<Outage> first;
  std::vector<Outage> second;
  std::vector<Outage> loop;
  for (int round = 0; round < kRounds; ++round) {
    loop.push_back({.last = one_after_another(fleet)});
    const auto [one, two] = by_upkeep(fleet);
    first.push_back(one);
    second.push_back(two);
  }
  fmt::print("medians of {} rounds; each wait is {} ms longer than the disk's own\n", kRounds,
             disk().milliseconds_each.load());
  print("first power cut", first);
  print("second power cut", second);
  fmt::print("a bare loop of virDomainCreate: {:.1f} ms\n", median(loop, &Outage::last));
  return 0;
}

}  // namespace
}  // namespace upkeep

/// In place of the C library's: SQLite calls it for each commit.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the library's is reserved.
extern "C" int fdatasync(int file) {
  ++upkeep::disk().waits;
  std::this_thread::sleep_for(std::chrono::milliseconds(upkeep::disk().milliseconds_each));
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

int main(int argc, char** argv) {
  try {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    if (arguments.size() > 1) upkeep::disk().milliseconds_each = std::stoi(arguments[1]);
    return upkeep::bench();
  } catch (const std::exception& error) {
    fmt::print(stderr, "free_starts: {}\n", error.what());
    return 1;
  }
}
