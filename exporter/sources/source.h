#pragma once

#include <string_view>

#include "exporter/model/clock.h"
#include "exporter/model/event.h"

namespace upkeep {

/// What a source tells while it reads, besides the reading it publishes. Every call comes from the
/// source's own thread, must return at once and must not throw: implementations queue and count.
class SourceListener {
 public:
  SourceListener() = default;
  SourceListener(const SourceListener&) = delete;
  SourceListener& operator=(const SourceListener&) = delete;
  virtual ~SourceListener() = default;

  /// A new reading can be fetched with the source's `latest()`.
  virtual void published(SourceKind source) = 0;
  virtual void vm_event(const VmEvent& event) = 0;
  virtual void drbd_event(const DrbdEvent& event) = 0;
  /// One read ended, for the duration histogram.
  virtual void read_finished(SourceKind source, Duration took, bool succeeded) = 0;
  /// Something the parser does not know; `what` names it (an unknown key, state or line).
  virtual void unparsed(SourceKind source, std::string_view what) = 0;
};

/// A thread that observes one part of the world. Construction is cheap and does no I/O; `start`
/// begins reading; the destructor stops it within a second even when the other side hangs.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual void start() = 0;
  /// Asks for a reading soon (an action ended, an operator asked). Returns at once.
  virtual void poke() = 0;
};

}  // namespace upkeep
