#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "platform/spawn.h"
#include "platform/wakeup.h"

namespace upkeep {

/// A program that prints lines for as long as it lives. It dies with the *thread* that started it,
/// and with this object at the latest. Owned by one thread.
class StreamingProcess {
 public:
  /// What `read_line` came back with.
  enum class Read {
    line,      ///< `line` is a whole line, without its end.
    too_long,  ///< `line` is the beginning of a line longer than the limit; its rest is skipped.
    deadline,  ///< Nothing until the deadline.
    woken,     ///< The wakeup was set; the caller clears it.
    ended,     ///< The output ended; `end` tells how the program did.
  };

  static constexpr std::size_t kLongestLine = std::size_t{64} << 10U;

  /// Starts `argv` (an absolute path first) with its stdin held open.
  [[nodiscard]] static Result<std::unique_ptr<StreamingProcess>> start(
      std::vector<std::string> argv);

  StreamingProcess(const StreamingProcess&) = delete;
  StreamingProcess& operator=(const StreamingProcess&) = delete;
  /// Ends the program; blocks for half a second at most, then leaves it to the reaper.
  ~StreamingProcess();

  /// The next line, or `deadline` after `timeout`. Lines that are there already are given out
  /// before deadline or wakeup count.
  [[nodiscard]] Read read_line(std::string& line, Duration timeout, const Wakeup& wakeup);

  /// Writes to its stdin without blocking; false when it doesn't take all of it.
  [[nodiscard]] bool write(std::string_view text);
  /// True when the program has read everything written so far.
  [[nodiscard]] bool input_consumed() const;

  /// Ends the program (SIGTERM, SIGKILL) and returns its exit code (128 + signal for a signal), or
  /// nothing when it can't be killed just now.
  std::optional<int> end();
  /// The last few KiB of its stderr.
  [[nodiscard]] const std::string& errors() const { return errors_; }

 private:
  explicit StreamingProcess(Child child) : child_(std::move(child)) {}

  [[nodiscard]] std::optional<Read> buffered_line(std::string& line);
  void read_output();
  void read_errors();

  Child child_;
  std::string buffer_;
  std::size_t scanned_ = 0;  ///< No line end before this place of the buffer.
  bool skipping_ = false;    ///< Inside the rest of a line that was too long.
  bool output_ended_ = false;
  bool ended_ = false;
  std::optional<int> exit_code_;
  std::string errors_;
};

}  // namespace upkeep
