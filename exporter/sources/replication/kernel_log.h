#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/result.h"
#include "platform/unique_fd.h"

namespace upkeep {

/// One record of the kernel's ring buffer.
struct KernelLogRecord {
  std::chrono::microseconds since_boot{};  ///< By the clock that printk uses.
  std::string_view message;                ///< Valid during the call.
};

/// Where the ring buffer begins: what was logged earlier in this boot it has lost.
struct KernelLogBeginning {
  /// A record that everything which takes the kernel's log must have: of the level of DRBD's own,
  /// or below.
  struct Anchor {
    std::chrono::microseconds since_boot{};
    std::string message;  ///< Printable, without a backslash.
  };

  std::uint64_t sequence = 0;              ///< Of its oldest record; 0: nothing is lost.
  std::chrono::microseconds since_boot{};  ///< Of the same.
  std::optional<Anchor> anchor;            ///< The oldest such record that is in it.
};

/// The record in a line of /dev/kmsg ("6,339,5140900,-;message"); nothing for the lines of
/// properties that follow some, and for what isn't the kernel's own (a program's, facility > 0).
[[nodiscard]] std::optional<KernelLogRecord> parse_kmsg_line(std::string_view line);

/// Reads <root>/dev/kmsg from the ring buffer's beginning, as far as it goes, without ever
/// waiting. Owned by one thread at a time.
class KernelLog {
 public:
  explicit KernelLog(const std::filesystem::path& root) : path_(root / "dev/kmsg") {}

  /// Gives every record not given yet to `take`, in order. An Error: it can't be read (denied in
  /// most containers); it is tried again with the next call. `overrun` is called when records were
  /// overwritten before they could be read.
  Result<void> drain(const std::function<void(const KernelLogRecord&)>& take,
                     const std::function<void()>& overrun);

  /// Where the ring buffer began when it was first read; nothing before, and when it was empty.
  [[nodiscard]] const std::optional<KernelLogBeginning>& beginning() const { return beginning_; }

 private:
  void note_beginning(std::string_view line);
  void take_text(std::string_view text, const std::function<void(const KernelLogRecord&)>& take);

  std::filesystem::path path_;
  UniqueFd fd_;
  std::optional<KernelLogBeginning> beginning_;
  std::string rest_;  // A line whose end was not read yet; the kernel gives whole records.
};

}  // namespace upkeep
