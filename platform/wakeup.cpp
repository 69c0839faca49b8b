#include "platform/wakeup.h"

#include <poll.h>
#include <sys/eventfd.h>

#include "platform/spawn.h"

namespace upkeep {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Wakeup::set() const {
  if (fd_) (void)::eventfd_write(fd_.get(), 1);
}

bool Wakeup::wait(Duration timeout) const {
  const Tick now = std::chrono::steady_clock::now();
  pollfd wait{fd_.get(), POLLIN, 0};
  return ::poll(&wait, 1, poll_timeout(now, now + timeout)) > 0;
}

void Wakeup::clear() const {
  eventfd_t count = 0;
  if (fd_) (void)::eventfd_read(fd_.get(), &count);
}

}  // namespace upkeep
