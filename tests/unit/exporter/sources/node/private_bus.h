#pragma once

#include <spawn.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

extern char** environ;  // NOLINT

namespace upkeep::test {

/// A D-Bus of its own under `root`, where a node has its system bus.
class PrivateBus {
 public:
  explicit PrivateBus(const std::filesystem::path& root)
      : socket_(root / "run/dbus/system_bus_socket") {
    std::filesystem::create_directories(socket_.parent_path());
    const std::filesystem::path config = root / "bus.conf";
    std::ofstream(config) << "<busconfig><type>system</type><listen>unix:path=" << socket_.string()
                          << "</listen><policy context=\"default\"><allow user=\"*\"/>"
                             "<allow own=\"*\"/><allow send_destination=\"*\"/>"
                             "<allow receive_sender=\"*\"/></policy></busconfig>\n";
    std::string program = "dbus-daemon";
    std::string option = "--config-file=" + config.string();
    std::string stay = "--nofork";
    std::string quiet = "--nopidfile";
    char* arguments[] = {program.data(), option.data(), stay.data(), quiet.data(), nullptr};
    if (::posix_spawnp(&pid_, program.c_str(), nullptr, nullptr, arguments, environ) != 0) {
      pid_ = 0;
    }
  }
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;
  ~PrivateBus() { stop(); }

  void stop() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  [[nodiscard]] bool wait_until_up() const {
    for (int i = 0; i < 500; ++i) {
      if (pid_ == 0 || ::waitpid(pid_, nullptr, WNOHANG) != 0) return false;
      if (std::filesystem::exists(socket_)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  [[nodiscard]] std::string address() const { return "unix:path=" + socket_.string(); }

 private:
  std::filesystem::path socket_;
  pid_t pid_ = 0;
};

/// Plays logind and systemd on a bus.
class FakeLogind {
 public:
  FakeLogind(const std::string& address, bool preparing, std::string state)
      : preparing_(preparing), state_(std::move(state)) {
    sd_bus_new(&bus_);
    sd_bus_set_address(bus_, address.c_str());
    sd_bus_set_bus_client(bus_, 1);
    up_ = sd_bus_start(bus_) >= 0 &&
          add("/org/freedesktop/login1", "org.freedesktop.login1.Manager") >= 0 &&
          add("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager") >= 0 &&
          sd_bus_request_name(bus_, "org.freedesktop.login1", 0) >= 0 &&
          sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0) >= 0;
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  FakeLogind(const FakeLogind&) = delete;
  FakeLogind& operator=(const FakeLogind&) = delete;
  ~FakeLogind() {
    thread_.request_stop();
    thread_.join();
    sd_bus_flush_close_unref(bus_);
  }

  [[nodiscard]] bool up() const { return up_; }
  void announce(bool preparing) { announce_ = preparing ? 1 : 0; }

 private:
  static int get(sd_bus* /*bus*/, const char* /*path*/, const char* interface,
                 const char* /*property*/, sd_bus_message* reply, void* self,
                 sd_bus_error* /*error*/) {
    const auto& fake = *static_cast<FakeLogind*>(self);
    if (std::string_view(interface).find("login1") != std::string_view::npos) {
      return sd_bus_message_append(reply, "b", fake.preparing_.load() ? 1 : 0);
    }
    return sd_bus_message_append(reply, "s", fake.state_.c_str());
  }

  int add(const char* path, const char* interface) {
    static const sd_bus_vtable kLogind[] = {
        SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("PreparingForShutdown", "b", get, 0, 0),
        SD_BUS_SIGNAL("PrepareForShutdown", "b", 0), SD_BUS_VTABLE_END};
    static const sd_bus_vtable kSystemd[] = {
        SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("SystemState", "s", get, 0, 0), SD_BUS_VTABLE_END};
    const bool logind = std::string_view(interface).find("login1") != std::string_view::npos;
    return sd_bus_add_object_vtable(bus_, nullptr, path, interface, logind ? kLogind : kSystemd,
                                    this);
  }

  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      while (sd_bus_process(bus_, nullptr) > 0) {
      }
      if (const int said = announce_.exchange(-1); said >= 0) {
        preparing_ = said == 1;
        sd_bus_emit_signal(bus_, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                           "PrepareForShutdown", "b", said);
      }
      sd_bus_wait(bus_, 5000);
    }
  }

  sd_bus* bus_ = nullptr;
  bool up_ = false;
  std::atomic<bool> preparing_;
  std::string state_;
  std::atomic<int> announce_ = -1;
  std::jthread thread_;
};

}  // namespace upkeep::test
