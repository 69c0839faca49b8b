#include "app/daemon/loop_inbox.h"

#include <chrono>
#include <cstddef>
#include <utility>

namespace upkeep {
namespace {

constexpr Duration kUnparsedLogGap = std::chrono::minutes(1);

Result<std::string> gone() { return fail(Errc::unavailable, "upkeep is stopping"); }

}  // namespace

LoopInbox::LoopInbox(const Clock& clock, Instruments& instruments, const Log& log)
    : clock_(clock), instruments_(instruments), log_(log) {}

LoopInbox::~LoopInbox() { close(); }

void LoopInbox::published(SourceKind /*source*/) { wakeup_.set(); }

void LoopInbox::vm_event(const VmEvent& event) {
  {
    const std::scoped_lock lock(mutex_);
    queued_.inputs.vm_events.push_back(event);
  }
  wakeup_.set();
}

void LoopInbox::drbd_event(const DrbdEvent& event) {
  instruments_.drbd_event(event);
  {
    const std::scoped_lock lock(mutex_);
    queued_.inputs.drbd_events.push_back(event);
  }
  wakeup_.set();
}

void LoopInbox::read_finished(SourceKind source, Duration took, bool /*succeeded*/) {
  instruments_.source_read(source, took);
}

void LoopInbox::unparsed(SourceKind source, std::string_view what) {
  instruments_.source_unparsed(source);
  const Tick now = clock_.now();
  std::uint64_t count = 0;
  {
    const std::scoped_lock lock(mutex_);
    Unparsed& line = unparsed_.at(static_cast<std::size_t>(source));
    ++line.unsaid;
    if (line.said && now - *line.said < kUnparsedLogGap) return;
    line.said = now;
    count = std::exchange(line.unsaid, 0);
  }
  log_.warn("source said something unknown",
            {{"source", to_string(source)}, {"what", what}, {"count", count}});
}

void LoopInbox::submit(Command command, Reply reply) {
  {
    const std::scoped_lock lock(mutex_);
    if (!closed_) {
      queued_.inputs.commands.emplace_back(std::move(command), std::move(reply));
      wakeup_.set();
      return;
    }
  }
  reply(gone());
}

Result<std::string> LoopInbox::carry_out(Command command, Duration timeout) {
  // Shared with the reply, which may come after this call gave up.
  const auto answer = std::make_shared<std::promise<Result<std::string>>>();
  submit(std::move(command),
         [answer](Result<std::string> result) { answer->set_value(std::move(result)); });
  auto asked = answer->get_future();
  if (asked.wait_for(timeout) == std::future_status::ready) return asked.get();
  return fail(Errc::timed_out, "upkeep's loop does not answer; it may still be done");
}

bool LoopInbox::run_in_loop(std::function<void()> task) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return false;
  queued_.tasks.push_back(std::move(task));
  wakeup_.set();
  return true;
}

LoopInbox::Taken LoopInbox::take() {
  // Before the queues: what comes in between is taken now and wakes once too often, never too
  // seldom.
  wakeup_.clear();
  const std::scoped_lock lock(mutex_);
  return std::exchange(queued_, {});
}

void LoopInbox::close() {
  Taken rest;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    rest = std::exchange(queued_, {});
  }
  for (auto& [command, reply] : rest.inputs.commands) reply(gone());
}

}  // namespace upkeep
