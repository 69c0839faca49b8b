#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/log.h"
#include "exporter/metrics/instruments.h"
#include "exporter/sources/source.h"
#include "platform/wakeup.h"
#include "remediation/reconciler.h"

namespace upkeep {

/// Where everything arrives that the loop must know: events and news from the sources, commands of
/// operators. Wakes the loop at once. Thread-safe.
class LoopInbox final : public SourceListener {
 public:
  using Reply = std::function<void(Result<std::string>)>;

  LoopInbox(const Clock& clock, Instruments& instruments, const Log& log);
  /// Commands that nobody carried out are answered: unavailable.
  ~LoopInbox() override;

  void published(SourceKind source) override;
  void vm_event(const VmEvent& event) override;
  void drbd_event(const DrbdEvent& event) override;
  void read_finished(SourceKind source, Duration took, bool succeeded) override;
  void unparsed(SourceKind source, std::string_view what) override;

  /// Queues an operator's command. `reply` is called exactly once, from the loop's thread or, when
  /// the loop is gone, from the caller's; it must not block.
  void submit(Command command, Reply reply);
  /// The same and waits for the answer. Never call it from the loop's thread.
  [[nodiscard]] Result<std::string> carry_out(Command command, Duration timeout);
  /// Has something done by the loop's thread (a read of the journal) and waits for the answer:
  /// timed_out when the loop is busy for too long (it may still be done), unavailable when the loop
  /// is gone. Never call it from the loop's thread.
  template <class T>
  [[nodiscard]] Result<T> ask(std::function<Result<T>()> question, Duration timeout);

  /// Has something done by the loop's thread soon, and doesn't wait. False: the loop is gone and
  /// the task was dropped.
  bool run_in_loop(std::function<void()> task);

  /// Wakes the loop: an action ended.
  void wake() const { wakeup_.set(); }
  /// Readable when there is something to take.
  [[nodiscard]] int fd() const { return wakeup_.fd(); }

  struct Taken {
    Inputs inputs;
    std::vector<std::function<void()>> tasks;
  };
  /// What came in since the last call, in its order.
  [[nodiscard]] Taken take();
  /// The loop has ended: what is queued and what still comes is answered as unavailable.
  void close();

 private:
  /// What a source said that its parser does not know: one log line a minute, not one a word.
  struct Unparsed {
    std::optional<Tick> said;
    std::uint64_t unsaid = 0;
  };

  const Clock& clock_;
  Instruments& instruments_;
  const Log& log_;
  Wakeup wakeup_;
  std::mutex mutex_;
  Taken queued_;
  std::array<Unparsed, kSourceKinds.size()> unparsed_;
  bool closed_ = false;
};

template <class T>
Result<T> LoopInbox::ask(std::function<Result<T>()> question, Duration timeout) {
  // Shared with the task, which may come to run after this call gave up.
  auto answer = std::make_shared<std::promise<Result<T>>>();
  auto asked = answer->get_future();
  const auto gone = [] { return fail(Errc::unavailable, "upkeep is stopping"); };
  if (!run_in_loop([answer, question = std::move(question)] { answer->set_value(question()); })) {
    return gone();
  }
  answer.reset();
  if (asked.wait_for(timeout) != std::future_status::ready) {
    return fail(Errc::timed_out, "upkeep's loop does not answer");
  }
  try {
    return asked.get();
  } catch (const std::future_error&) {
    return gone();  // `close` dropped the task.
  }
}

}  // namespace upkeep
