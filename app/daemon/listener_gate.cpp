#include "app/daemon/listener_gate.h"

#include <mutex>

namespace upkeep {

void ListenerGate::close() {
  const std::scoped_lock lock(mutex_);
  listener_ = nullptr;
}

template <class Tell>
void ListenerGate::pass(Tell tell) {
  const std::shared_lock lock(mutex_);
  if (listener_ != nullptr) tell(*listener_);
}

void ListenerGate::published(SourceKind source) {
  pass([&](SourceListener& listener) { listener.published(source); });
}
void ListenerGate::vm_event(const VmEvent& event) {
  pass([&](SourceListener& listener) { listener.vm_event(event); });
}
void ListenerGate::drbd_event(const DrbdEvent& event) {
  pass([&](SourceListener& listener) { listener.drbd_event(event); });
}
void ListenerGate::read_finished(SourceKind source, Duration took, bool succeeded) {
  pass([&](SourceListener& listener) { listener.read_finished(source, took, succeeded); });
}
void ListenerGate::unparsed(SourceKind source, std::string_view what) {
  pass([&](SourceListener& listener) { listener.unparsed(source, what); });
}

}  // namespace upkeep
