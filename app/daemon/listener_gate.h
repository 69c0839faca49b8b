#pragma once

#include <shared_mutex>
#include <string_view>

#include "exporter/sources/source.h"

namespace upkeep {

/// Passes on what sources tell until it is closed. A host may outlive the daemon that listens: a
/// call that hangs keeps it alive. Thread-safe.
class ListenerGate final : public SourceListener {
 public:
  explicit ListenerGate(SourceListener& listener) : listener_(&listener) {}

  /// When this returns, no call to the listener is in progress or will be made.
  void close();

  void published(SourceKind source) override;
  void vm_event(const VmEvent& event) override;
  void drbd_event(const DrbdEvent& event) override;
  void read_finished(SourceKind source, Duration took, bool succeeded) override;
  void unparsed(SourceKind source, std::string_view what) override;

 private:
  template <class Tell>
  void pass(Tell tell);

  std::shared_mutex mutex_;
  SourceListener* listener_;  ///< Null once closed.
};

}  // namespace upkeep
