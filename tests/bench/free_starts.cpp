// 62 VMs whose start costs nothing (libvirt's test driver in this process): how long is a power cut
// when only upkeep's own work counts? From the daemon's start on the new boot, with everything it
// reads, decides, writes to the disk and looks at twice, to the last VM running; beside it, one
// virDomainCreate after another.
#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
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
  double first = 0;  ///< Milliseconds until the first VM ran …
  double last = 0;   ///< … and until all did.
};

Outage by_upkeep(const Fleet& fleet) {
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
  fleet.lose_power();
  if (auto booted = root->boot(SystemClock().wall()); !booted) give_up(booted.error().message);
  const auto begun = steady_clock::now();
  const Daemon after(dir.path(), *root);
  wait_until("the first VM to run", [&] { return fleet.running() > 0; });
  const double first = milliseconds_since(begun);
  wait_until("all VMs to run", [&] { return fleet.running() == kVms; });
  return {.first = first, .last = milliseconds_since(begun)};
}

double one_after_another(const Fleet& fleet) {
  fleet.start_all();
  fleet.lose_power();
  const auto begun = steady_clock::now();
  fleet.start_all();
  return milliseconds_since(begun);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

int bench() {
  const Fleet fleet;
  std::vector<double> first;
  std::vector<double> last;
  std::vector<double> loop;
  for (int round = 0; round < kRounds; ++round) {
    loop.push_back(one_after_another(fleet));
    const Outage outage = by_upkeep(fleet);
    first.push_back(outage.first);
    last.push_back(outage.last);
  }
  fmt::print(
      "{} VMs, {} rounds: upkeep has the first up after {:.0f} ms, all of them after {:.0f} ms "
      "(median; worst {:.0f} ms); a bare loop of virDomainCreate takes {:.1f} ms\n",
      kVms, kRounds, median(first), median(last), *std::ranges::max_element(last), median(loop));
  return 0;
}

}  // namespace
}  // namespace upkeep

int main() {
  try {
    return upkeep::bench();
  } catch (const std::exception& error) {
    fmt::print(stderr, "free_starts: {}\n", error.what());
    return 1;
  }
}
