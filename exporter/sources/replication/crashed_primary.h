#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "exporter/model/drbd.h"
#include "exporter/sources/replication/drbd_source_options.h"

namespace upkeep {

/// The flag "this node was a crashed primary, and has not seen its peer since" in what
/// `drbdsetup get-gi` prints: four generation identifiers and flags, 7 of them on 8.4 and 12 on 9.
/// Nothing when the text has another form. Pure.
[[nodiscard]] std::optional<bool> parse_crashed_primary(std::string_view text, bool is_84);

/// Asks DRBD whether this node was Primary when it went down hard, for those disks alone where it
/// matters: attached, Secondary, and a peer is not connected. Once for each state of such a disk,
/// on its own thread, because drbdsetup may take seconds. Thread-safe.
class CrashedPrimaryWatch {
 public:
  /// `changed` is called from the watch's thread when something new is known. Starts at once.
  CrashedPrimaryWatch(DrbdSourceOptions options, std::function<void()> changed);

  /// The newest reading: asks about what isn't known yet. Returns at once.
  void look(const Drbd& drbd);
  /// Puts into `drbd` what is known of exactly these states.
  void complete(Drbd& drbd) const;

 private:
  /// A disk in a state that is asked about.
  struct Question {
    ResourceName resource;
    VolumeNumber volume;
    DeviceMinor minor;
    std::uint32_t peer_node_id = 0;
    std::string state;  ///< What may change the answer: the disk, and who is connected.
    bool is_84 = false;

    friend auto operator<=>(const Question&, const Question&) = default;
  };
  static std::optional<Question> question(const Drbd& drbd, const DrbdResource& resource,
                                          const DrbdDevice& device);
  static std::set<Question> questions(const Drbd& drbd);
  void watch(const std::stop_token& stop);
  [[nodiscard]] std::optional<Question> next() const;
  [[nodiscard]] std::optional<bool> ask(const Question& question,
                                        const std::stop_token& stop) const;

  DrbdSourceOptions options_;
  std::function<void()> changed_;
  mutable std::mutex mutex_;
  std::condition_variable_any asked_;
  std::set<Question> wanted_;
  std::map<Question, std::optional<bool>> answers_;  // Nothing: could not be read just now.
  std::jthread thread_;
};

}  // namespace upkeep
