#include "platform/wakeup.h"

#include <sys/eventfd.h>

namespace upkeep {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Wakeup::set() const {
  if (fd_) (void)::eventfd_write(fd_.get(), 1);
}

void Wakeup::clear() const {
  eventfd_t count = 0;
  if (fd_) (void)::eventfd_read(fd_.get(), &count);
}

}  // namespace upkeep
