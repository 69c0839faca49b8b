#include "exporter/sources/hypervisor/inbox.h"

#include <utility>

namespace upkeep {

void Inbox::announce(const VmUuid& uuid, VmEventKind kind) {
  {
    const std::scoped_lock lock(mutex_);
    mail_.announced[uuid].push_back(kind);
  }
  arrived_.notify_all();
}

void Inbox::change(const VmUuid& uuid) {
  {
    const std::scoped_lock lock(mutex_);
    mail_.changed.insert(uuid);
  }
  arrived_.notify_all();
}

void Inbox::lose_connection() {
  {
    const std::scoped_lock lock(mutex_);
    mail_.connection_lost = true;
  }
  arrived_.notify_all();
}

void Inbox::poke() {
  {
    const std::scoped_lock lock(mutex_);
    mail_.poked = true;
  }
  arrived_.notify_all();
}

void Inbox::ask_for_all() {
  {
    const std::scoped_lock lock(mutex_);
    mail_.asked_for_all = true;
  }
  arrived_.notify_all();
}

Inbox::Mail Inbox::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(mail_, {});
}

bool Inbox::has_mail() {
  const std::scoped_lock lock(mutex_);
  return !mail_.empty();
}

bool Inbox::wait(Duration at_most, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, stop, at_most, [this] { return !mail_.empty(); });
}

void Inbox::pause(Duration length, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, stop, length, [] { return false; });
}

}  // namespace upkeep
