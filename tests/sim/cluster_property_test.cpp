#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/cluster_story.h"

namespace upkeep {
namespace {

using test::ClusterStory;

// Some minutes at most, whatever the build.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kStories = 60;
#elif defined(NDEBUG)
constexpr std::uint64_t kStories = 10'000;
#else
constexpr std::uint64_t kStories = 150;
#endif
constexpr std::uint64_t kEnough = 2000;  ///< For everything to have happened.
constexpr std::size_t kLastLines = 80;
constexpr std::uint64_t kMostFailures = 10;

/// UPKEEP_SIM_SEED=7 replays one story with its whole trace; UPKEEP_SIM_SEEDS=1000000 tells more of
/// them, from UPKEEP_SIM_FROM on; after UPKEEP_SIM_FAILURES that went wrong it is enough.
std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody sets any.
  if (text == nullptr) return fallback;
  std::uint64_t number = fallback;
  std::from_chars(text, text + std::strlen(text), number);
  return number;
}

std::string joined(const std::vector<std::string>& lines, std::size_t most) {
  std::string text;
  for (std::size_t i = lines.size() - std::min(lines.size(), most); i < lines.size(); ++i) {
    text += lines[i] + "\n";
  }
  return text;
}

/// What became of many stories, told on all processors.
class Tales {
 public:
  void tell(std::uint64_t first, std::uint64_t count) {
    next_ = first;
    std::vector<std::jthread> tellers;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
      tellers.emplace_back([this, end = first + count] { tell_until(end); });
    }
  }

  [[nodiscard]] std::map<std::string, int>& counts() { return counts_; }
  /// Of the stories that went wrong, by seed.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& failures() const { return failures_; }

 private:
  void tell_until(std::uint64_t end) {
    for (std::uint64_t seed = next_++; seed < end; seed = next_++) {
      ClusterStory story(seed);
      story.live();
      const std::scoped_lock lock(mutex_);
      for (const auto& [what, times] : story.counts()) counts_[what] += times;
      if (story.wrongs().empty()) continue;
      failures_[seed] = failures_.empty() ? "The last lines:\n" + joined(story.trace(), kLastLines)
                                          : joined(story.wrongs(), kLastLines);
      if (failures_.size() >= most_failures_) next_ = end;
    }
  }

  const std::uint64_t most_failures_ = number_from("UPKEEP_SIM_FAILURES", kMostFailures);
  std::atomic<std::uint64_t> next_ = 1;
  std::mutex mutex_;
  std::map<std::string, int> counts_;
  std::map<std::uint64_t, std::string> failures_;
};

/// Each of these must have happened, or the stories prove nothing of it.
constexpr auto kMustHappen = {"start",
                              "adjust",
                              "crash",
                              "stop",
                              "move",
                              "takeover",
                              "power cut",
                              "kill",
                              "start by hand",
                              "in_flight",
                              "backing_off",
                              "peer_not_connected",
                              "stale_libvirt",
                              "stale_drbd",
                              "inventory_empty",
                              "split_brain",
                              "runs_elsewhere",
                              "paused",
                              "no_start_slot",
                              "waits_for_tier",
                              "waits_for_vm",
                              "recovery",
                              "ended succeeded",
                              "ended failed",
                              "ended timed_out",
                              "slots fell for disks",
                              "slots fell for cores",
                              "latched",
                              "budget_spent",
                              "storm",
                              "journal_failed",
                              "down_by_operator",
                              "take down",
                              "clock step",
                              "journal fails",
                              "kill in a write",
                              "event lost",
                              "kept dead",
                              "order obstructed",
                              "link breaks",
                              "maintenance",
                              "source fails",
                              "source hangs",
                              "source lists nothing",
                              "peer is silent",
                              "peer hides what runs",
                              "peer makes up what runs",
                              "peer makes up a boot",
                              "peer tells nothing",
                              "peer is another node",
                              "peer is old",
                              "peer hides what it wants",
                              "shared start",
                              "shared start by hand",
                              "live migration",
                              "isolated",
                              "called dead",
                              "wrongly called dead",
                              "start past a dead peer",
                              "two wanted it",
                              "may_run_elsewhere",
                              "stale_peers",
                              "reload",
                              "reload in a recovery",
                              "reload to observe",
                              "reload to dry-run",
                              "observing",
                              "mark up",
                              "mark down",
                              "mark ignore",
                              "mark auto"};

/// What makes a start a second one that upkeep can't be blamed for.
constexpr auto kExcuses = {"twice: a person called its host dead", "twice: its host hid it",
                           "twice: a person was as quick",
                           "twice: its host's libvirt never listed it"};

TEST(ClusterProperties, NothingIsDoneWrongAndEverythingRecoverableIsWellInTheEnd) {
  if (const std::uint64_t only = number_from("UPKEEP_SIM_SEED", 0); only != 0) {
    ClusterStory story(only);
    story.live();
    fmt::print("{}", joined(story.trace(), story.trace().size()));
    ASSERT_TRUE(story.wrongs().empty()) << joined(story.wrongs(), kLastLines);
    return;
  }
  const std::uint64_t count = number_from("UPKEEP_SIM_SEEDS", kStories);
  Tales tales;
  const auto begun = std::chrono::steady_clock::now();
  tales.tell(number_from("UPKEEP_SIM_FROM", 1), count);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  for (const auto& [seed, what] : tales.failures()) {
    ADD_FAILURE() << "UPKEEP_SIM_SEED=" << seed << " replays it.\n" << what;
  }
  if (::testing::Test::HasFailure()) return;
  fmt::print("{} clusters in {:.0f} s\n", count, took.count());
  for (const auto& [what, times] : tales.counts()) fmt::print("{:>10} {}\n", times, what);
  if (count < kEnough) return;
  for (const char* what : kMustHappen) EXPECT_GT(tales.counts()[what], 0) << what;
  // What nobody could know is exempt; it must stay the exception.
  EXPECT_LT(tales.counts()["muddled"], tales.counts()["clear"] / 2);
  EXPECT_LT(tales.counts()["shared muddled"], tales.counts()["shared clear"] / 2);
  int excused = 0;
  for (const char* excuse : kExcuses) excused += tales.counts()[excuse];
  EXPECT_LT(excused, tales.counts()["shared start"] / 50);
}

}  // namespace
}  // namespace upkeep
