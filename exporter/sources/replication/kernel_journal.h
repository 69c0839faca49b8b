#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "exporter/sources/replication/kernel_log.h"

namespace upkeep {

/// A line of `journalctl -o json`, as far as it matters here.
struct JournalRecord {
  enum class Kind {
    kernel,  ///< The kernel's own words; `since_boot` by the clock that printk uses.
    missed,  ///< The journal's: here records are missing that the ring buffer had lost before it
             ///< could take them.
  };

  Kind kind = Kind::kernel;
  std::chrono::microseconds since_boot{};
  std::string message;

  friend bool operator==(const JournalRecord&, const JournalRecord&) = default;
};

/// Reads such a line, whatever is in it; nothing when it isn't what the kernel said (everybody may
/// log what looks like it) nor of missing records. Pure.
[[nodiscard]] std::optional<JournalRecord> parse_journal_line(std::string_view line);

/// What the kernel logged since the boot until the ring buffer's oldest record.
struct KernelPast {
  std::vector<JournalRecord> records;  ///< Of DRBD, and where some are missing; in order.
  bool whole = false;                  ///< It begins with the boot, and none is missing.
};

/// How to ask the journal.
struct KernelJournalRequest {
  std::string journalctl = "/usr/bin/journalctl";
  Duration deadline = std::chrono::seconds(5);
  std::stop_token stop{};
};

/// Asks the journal of this boot for what the ring buffer has lost. An Error when it can't be told
/// that nothing is missing between the journal and the ring buffer: the journal is closed, keeps no
/// kernel messages or not all of them, or lags behind. Runs a program, for as long as the deadline
/// allows.
[[nodiscard]] Result<KernelPast> read_kernel_journal(const KernelJournalRequest& request,
                                                     const KernelLogBeginning& ring);

}  // namespace upkeep
