#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "exporter/model/drbd.h"
#include "exporter/model/result.h"
#include "exporter/sources/replication/drbd_source_options.h"
#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/link_evidence.h"
#include "exporter/sources/replication/proc_drbd.h"
#include "exporter/sources/source.h"
#include "platform/streaming_process.h"
#include "platform/wakeup.h"

namespace upkeep {

/// The text of <root>/proc/drbd; nothing while the module is not loaded.
[[nodiscard]] std::optional<std::string> read_proc_drbd(const std::filesystem::path& root);

/// What the stream told that the state doesn't show.
struct StreamEvidence {
  DrbdState::Evidence split_brain;
  DrbdState::Stories stories;

  friend bool operator==(const StreamEvidence&, const StreamEvidence&) = default;
};

/// Where a DrbdStream's readings go.
class DrbdSink {
 public:
  DrbdSink() = default;
  DrbdSink(const DrbdSink&) = delete;
  DrbdSink& operator=(const DrbdSink&) = delete;
  virtual ~DrbdSink() = default;

  virtual void reading(Drbd drbd, Tick at) = 0;
  virtual void failed(Error error) = 0;
  virtual void event(DrbdEvent event) = 0;
  /// What the stream knows beside the state; comes before the reading it belongs to.
  virtual void evidence(StreamEvidence evidence) = 0;
};

/// Keeps a `drbdsetup events2` running while the module is loaded, follows it, and confirms what
/// it told. Owned by one thread, which also must be the one that ends last: the program dies with
/// the thread that started it.
class DrbdStream {
 public:
  struct Parts {
    const DrbdSourceOptions& options;
    const Clock& clock;
    SourceListener& listener;
    DrbdSink& sink;
    LinkEvidence& log;
    std::stop_token stop;
  };

  explicit DrbdStream(Parts parts);

  /// Does what is due, then waits for a line, the next due time or the wakeup.
  void step(const Wakeup& wakeup);
  /// Asks for a confirmed reading with the next step.
  void look_soon() { look_at_ = Tick{}; }

 private:
  void do_due();
  [[nodiscard]] Tick next_due() const;
  void look();
  void look_84(const ProcDrbd& proc);
  void look_9();
  void module_absent();
  void start_program();
  void program_ended();
  void restart(std::string why, bool lost_messages);
  void take_line(std::string_view line);
  void tell_evidence(const AppliedLine& applied);
  void publish_change();
  void confirmed(Drbd drbd, Tick at);
  void tell(const std::vector<DrbdEvent>& events);
  [[nodiscard]] bool is_84() const { return version_.starts_with("8."); }
  [[nodiscard]] bool hangs(Tick since) const;

  Parts parts_;
  DrbdState state_{""};
  StreamEvidence evidence_told_;
  std::string version_;  // Of the loaded module; empty: not loaded, or not looked yet.
  std::unique_ptr<StreamingProcess> program_;
  std::string line_;
  Tick started_{};  // The program.
  Tick respawn_at_{};
  Duration back_off_{};
  Tick look_at_{};
  std::optional<Tick> request_at_;  // 9: everything was asked for again, no answer yet.
  bool answered_ = false;           // 9: it was worked off; its last lines may be unread.
  Duration answer_look_{};
  std::optional<Tick> disagreeing_since_;  // 8.4.
  std::optional<Tick> publish_at_;         // A change waits for the rest of its burst.
  Tick published_at_;                      // `at` of the last reading.
  bool gave_up_ = false;
  std::string problem_ = "not read yet";
};

}  // namespace upkeep
