#include "app/daemon/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace upkeep {

Signals::Signals() {
  sigset_t ours{};
  sigemptyset(&ours);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  // A reader of HTTP answers or a log pipe that goes away is an error there, not our end.
  std::signal(SIGPIPE, SIG_IGN);
  fd_.reset(signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::optional<Signals::Kind> Signals::take() const {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    return std::nullopt;
  }
  return static_cast<int>(info.ssi_signo) == SIGHUP ? Kind::reload : Kind::stop;
}

}  // namespace upkeep
