#include "app/daemon/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "app/daemon/signals.h"
#include "app/daemon/upkeep.h"
#include "app/demo/demo_banner.h"
#include "app/instance.h"
#include "app/log.h"

namespace upkeep {
namespace {

constexpr int kSucceeded = 0;
constexpr int kFailed = 1;
/// After so long in the shutdown something hangs; everything durable is on disk by then.
constexpr std::chrono::milliseconds kShutdownPatience{4500};

/// Ends the process when taking it apart hangs (libvirtd stopped, a disk that doesn't answer).
class LastResort {
 public:
  explicit LastResort(const Log& log)
      : thread_([this, &log](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          ended_.wait_for(lock, stop, kShutdownPatience, [] { return false; });
          if (stop.stop_requested()) return;
          log.warn("something hangs: leaving without it");
          std::_Exit(kSucceeded);
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;
};

/// A demo's directory: its journal, its simulated /proc.
std::filesystem::path demo_dir() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') {
    return std::filesystem::path(runtime) / "upkeep-demo";
  }
  return fmt::format("/tmp/upkeep-demo-{}", ::geteuid());
}

/// Two demos would empty each other's directory.
std::optional<Instance> running_demo() {
  for (const Instance& instance : running_instances()) {
    if (instance.demo) return instance;
  }
  return std::nullopt;
}

Log::Options log_options(const DaemonOptions& options) {
  Log::Options log;
  log.format = to_log_format(options.log_format).value_or(LogFormat::logfmt);
  log.level = to_log_level(options.log_level).value_or(LogLevel::info);
  return log;
}

void welcome(const Upkeep& upkeep) {
  const DemoBanner banner{.public_url = upkeep.public_url(),
                          .program = program_invocation_name,
                          .notices = upkeep.notices()};
  // Whoever closed stdout doesn't want to read it.
  static_cast<void>(std::fputs(to_text(banner).c_str(), stdout));
  static_cast<void>(std::fflush(stdout));
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
  // Before any thread, so that all of them leave the signals to the loop.
  const Signals signals;
  const auto clock = std::make_shared<const SystemClock>();
  const Log log(*clock, log_options(options));
  if (options.demo) {
    if (const auto other = running_demo()) {
      log.error("a demo is running already", {{"pid", other->pid}, {"url", other->public_url}});
      return kFailed;
    }
  }
  auto upkeep = Upkeep::prepare(options, {.clock = clock,
                                          .log = log,
                                          .signals = &signals,
                                          .runtime_dir = runtime_dir(),
                                          .demo_dir = demo_dir()});
  if (!upkeep) {
    log.error("upkeep can't start", {{"error", upkeep.error().message}});
    return kFailed;
  }
  if (options.demo) welcome(**upkeep);
  (*upkeep)->run();
  const LastResort last_resort(log);
  upkeep->reset();
  return kSucceeded;
}

}  // namespace upkeep
