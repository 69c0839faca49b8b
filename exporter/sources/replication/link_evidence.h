#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/drbd.h"
#include "exporter/model/result.h"
#include "exporter/sources/replication/drbd_log_line.h"
#include "exporter/sources/replication/kernel_journal.h"
#include "exporter/sources/replication/kernel_log.h"

namespace upkeep {

/// What the kernel log of this boot says about DRBD's links, so that a daemon started later still
/// knows why a link is StandAlone. Thread-safe.
class LinkEvidence {
 public:
  LinkEvidence(const std::filesystem::path& root, const Clock& clock) : clock_(clock), log_(root) {}

  /// Reads what was logged since the last time; never waits. Call it before using what a newer
  /// reading of DRBD says: the kernel logs before it tells.
  void read();
  /// Reads, and when the ring buffer had lost records of this boot by then asks the journal for
  /// them, with the first call only. Waits for the journal; other calls do not. What it can't tell
  /// stays unknown.
  void recall(const KernelJournalRequest& request);
  /// Why the log can't be read, or not back to the boot; nothing when it can.
  [[nodiscard]] std::optional<Error> problem() const;

  /// Records were lost (the ring buffer went on faster than `read`): what was known of losses and
  /// beginnings is void. A split brain stays evidence until its link is seen established.
  void lost_records();

  /// The stream told that the resource was brought up anew.
  void created(const ResourceName& resource);
  /// The stream told that the link is up and past its handshake. Only counts when records were
  /// lost: else the log has told it, in its own order.
  void established(const ResourceName& resource, const std::string& peer);

  /// A mark after the lines told by now.
  [[nodiscard]] std::uint64_t told() const;
  /// The resource's split brains before the mark `told` count no more: a person settled them.
  void settle_split_brain(const ResourceName& resource, std::uint64_t told);

  /// The story of one link of `resource` as the log tells it. The resource's devices tell which
  /// lines of 8.4 are about it.
  [[nodiscard]] LinkStory story(const DrbdResource& resource, const std::string& peer) const;

 private:
  static constexpr std::uint64_t kFirstOfTheBuffer = std::uint64_t{1} << 32U;
  struct Fact {
    std::uint64_t number = 0;  // The order in which it was told.
    WallTime at{};
    DrbdLogLine line;
  };
  using Facts = std::deque<Fact>;
  [[nodiscard]] std::optional<KernelLogBeginning> take_what_is_lost();
  void remember(const KernelPast& past);
  void take(const KernelLogRecord& record);
  [[nodiscard]] Fact fact_of(const KernelLogRecord& record, DrbdLogLine line) const;
  [[nodiscard]] Facts& facts_of(const DrbdLogLine& line);
  void add(Fact fact);
  void forget();
  const Clock& clock_;
  mutable std::mutex mutex_;
  KernelLog log_;
  std::optional<Error> problem_;
  std::optional<Error> past_problem_;
  bool asked_ = false;                      // For what the ring buffer had lost.
  std::uint64_t told_ = kFirstOfTheBuffer;  // What the journal tells of the past comes before.
  bool overrun_ = false;
  std::map<std::string, Facts> by_resource_;
  std::map<DeviceMinor, Facts> by_minor_;
  std::map<ResourceName, std::uint64_t> settled_;
};

/// Puts into `resource` why its StandAlone links were lost. `streamed` are the links' stories as
/// the stream told them, by node id. A link that nobody saw beginning counts as lost.
void judge_losses(const std::map<std::uint32_t, LinkStory>& streamed, const LinkEvidence& log,
                  DrbdResource& resource);
/// The same where there is no log, as in a recording.
void judge_losses(const std::map<std::uint32_t, LinkStory>& streamed, DrbdResource& resource);

}  // namespace upkeep
