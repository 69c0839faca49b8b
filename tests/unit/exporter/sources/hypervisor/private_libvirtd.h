#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "tests/support/temp_dir.h"

namespace upkeep {

/// A libvirtd of the test's own, for libvirt's test driver only: in a mount namespace that hides
/// the machine's libvirt, with its socket in a temporary folder. Needs root.
class PrivateLibvirtd {
 public:
  PrivateLibvirtd() {
    // As the daemon does: libvirt's client may write to a libvirtd that has just gone away.
    std::signal(SIGPIPE, SIG_IGN);
    std::ofstream(folder_ / "libvirtd.conf")
        << "unix_sock_dir = \"" << folder_.path().string() << "\"\n"
        << "auth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\n"
        << "log_outputs = \"3:file:" << (folder_ / "log").string() << "\"\n"
        << "host_uuid = \"11111111-2222-3333-4444-555555555555\"\n";
    // The QEMU driver doesn't start without Debian's account for it, nor libvirtd without its
    // drivers.
    std::ofstream(folder_ / "passwd")
        << contents("/etc/passwd") << "libvirt-qemu:x:64055:64055::/nonexistent:/bin/false\n";
    std::ofstream(folder_ / "group") << contents("/etc/group") << "libvirt-qemu:x:64055:\n";
  }
  PrivateLibvirtd(const PrivateLibvirtd&) = delete;
  PrivateLibvirtd& operator=(const PrivateLibvirtd&) = delete;
  ~PrivateLibvirtd() { stop(); }

  /// False when this machine doesn't let us; the reason is in the folder's files.
  [[nodiscard]] bool start() {
    std::filesystem::remove(folder_ / "libvirt-sock");
    const std::string script =
        "set -e; cd " + folder_.path().string() +
        "; for place in /run /var/lib /var/cache /var/log; do mount -t tmpfs tmpfs $place; done; "
        "mount --bind passwd /etc/passwd; mount --bind group /etc/group; "
        "exec libvirtd --pid-file pid --config libvirtd.conf >out 2>&1";
    pid_ = fork();
    if (*pid_ == 0) {
      setsid();
      execlp("unshare", "unshare", "--mount", "--propagation", "private", "sh", "-c",
             script.c_str(), nullptr);
      _exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (accepts()) return true;
      if (waitpid(*pid_, nullptr, WNOHANG) == *pid_) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    pid_.reset();
    return false;
  }

  void send(int signal) const {
    if (pid_) kill(*pid_, signal);
  }

  /// As a crash does; safe to call twice.
  void stop() {
    if (!pid_) return;
    kill(*pid_, SIGKILL);
    waitpid(*pid_, nullptr, 0);
    pid_.reset();
  }

  [[nodiscard]] std::string uri() const {
    return "test+unix:///default?socket=" + (folder_ / "libvirt-sock").string();
  }

 private:
  static std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  [[nodiscard]] bool accepts() const {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder_ / "libvirt-sock").c_str(),
                 sizeof(address.sun_path) - 1);
    const bool accepted =
        connect(socket, static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                sizeof(address)) == 0;
    close(socket);
    return accepted;
  }

  test::TempDir folder_;
  std::optional<pid_t> pid_;
};

}  // namespace upkeep
