#include "exporter/sources/hypervisor/disk_prober.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace upkeep {

struct DiskProber::State {
  struct Entry {
    Backing backing;
    std::optional<Tick> probed;  ///< Absent before the first answer.
    bool queued = false;         ///< Waits for a probe, or one is at it (perhaps for ever).
  };

  State(BackingFinder finder_in, std::function<void()> on_news_in)
      : finder(std::move(finder_in)), on_news(std::move(on_news_in)) {}

  const BackingFinder finder;
  const std::function<void()> on_news;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  std::map<std::string, Entry> entries;
  std::deque<std::string> queue;
  std::uint64_t generation = 0;  ///< Of the thread that takes from the queue.
  bool running = false;          ///< That thread exists.
  std::optional<Tick> busy_since;
  std::string busy_with;
  int stuck = 0;
  Tick now{};  ///< Of the last watch().
};

DiskProber::DiskProber(BackingFinder finder, std::function<void()> on_news)
    : state_(std::make_shared<State>(std::move(finder), std::move(on_news))) {}

DiskProber::~DiskProber() {
  const std::scoped_lock lock(state_->mutex);
  state_->stopped = true;
  state_->changed.notify_all();
}

void DiskProber::watch(const std::set<std::string>& paths, Tick now) {
  State& state = *state_;
  const std::scoped_lock lock(state.mutex);
  state.now = now;
  std::erase_if(state.entries, [&](const auto& entry) { return !paths.contains(entry.first); });
  for (const std::string& path : paths) {
    State::Entry& entry = state.entries[path];
    const bool due = !entry.probed || now - *entry.probed >= kMaxAge;
    if (entry.queued || !due) continue;
    entry.queued = true;
    state.queue.push_back(path);
  }
  if (state.busy_since && now - *state.busy_since > kPatience && state.stuck < kMaxStuck) {
    // Its thread keeps the path's `queued`, so that nobody else gets stuck on the same path.
    state.entries[state.busy_with].backing = {};
    state.entries[state.busy_with].queued = true;
    state.entries[state.busy_with].probed = now;
    ++state.stuck;
    ++state.generation;
    state.busy_since.reset();
    state.running = false;
  }
  if (!state.queue.empty() && !state.running) {
    state.running = true;
    std::thread(run, state_, state.generation).detach();
  }
  state.changed.notify_all();
}

void DiskProber::run(const std::shared_ptr<State>& shared, std::uint64_t generation) {
  State& state = *shared;
  std::unique_lock lock(state.mutex);
  while (true) {
    state.changed.wait(lock, [&] { return state.stopped || !state.queue.empty(); });
    if (state.stopped) return;
    const std::string path = state.queue.front();
    state.queue.pop_front();
    state.busy_since = state.now;
    state.busy_with = path;
    lock.unlock();
    const Backing backing = state.finder.backing_of(path);
    lock.lock();
    const bool abandoned = generation != state.generation;
    if (abandoned) {
      --state.stuck;
    } else {
      state.busy_since.reset();
    }
    const auto entry = state.entries.find(path);
    bool news = false;
    if (entry != state.entries.end()) {
      news = !entry->second.probed || entry->second.backing != backing;
      entry->second = {backing, state.now, false};
    }
    state.changed.notify_all();
    const bool ended = abandoned || state.stopped;
    if (news && !state.stopped) {
      lock.unlock();
      state.on_news();
      lock.lock();
    }
    if (ended) return;
  }
}

void DiskProber::settle(Duration at_most) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.changed.wait_for(lock, at_most, [&] {
    return std::ranges::all_of(state.entries,
                               [](const auto& entry) { return entry.second.probed.has_value(); });
  });
}

Backing DiskProber::backing_of(const std::string& path) const {
  const std::scoped_lock lock(state_->mutex);
  const auto entry = state_->entries.find(path);
  if (entry == state_->entries.end() || !entry->second.probed) return {};
  return state_->now - *entry->second.probed > kForgetAfter ? Backing{} : entry->second.backing;
}

}  // namespace upkeep
