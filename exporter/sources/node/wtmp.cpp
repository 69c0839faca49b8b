#include "exporter/sources/node/wtmp.h"

#include <utmp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>

namespace upkeep {
namespace {

/// The record is written when the clock may not have been set yet, btime is reckoned back from the
/// clock as it is now.
constexpr std::chrono::minutes kClockStep{5};

constexpr std::size_t kRecordSize = sizeof(utmp);

bool is_shutdown(const utmp& record) {
  const std::string_view user(record.ut_user, ::strnlen(record.ut_user, sizeof(record.ut_user)));
  return record.ut_type == RUN_LVL && user == "shutdown";
}

WallTime time_of(const utmp& record) { return WallTime(std::chrono::seconds(record.ut_tv.tv_sec)); }

}  // namespace

void WtmpReader::take(std::span<const std::byte> piece) {
  if (!partial_.empty()) {
    const auto rest = piece.first(std::min(piece.size(), kRecordSize - partial_.size()));
    partial_.insert(partial_.end(), rest.begin(), rest.end());
    piece = piece.subspan(rest.size());
    if (partial_.size() < kRecordSize) return;
    take_record(partial_);
    partial_.clear();
  }
  for (; piece.size() >= kRecordSize; piece = piece.subspan(kRecordSize)) {
    take_record(piece.first(kRecordSize));
  }
  partial_.assign(piece.begin(), piece.end());
}

void WtmpReader::take_record(std::span<const std::byte> record) {
  utmp entry{};
  std::memcpy(&entry, record.data(), sizeof(entry));
  if (is_shutdown(entry)) shut_down_ = true;
  if (entry.ut_type != BOOT_TIME) return;
  if (shut_down_) {
    before_last_ = PreviousShutdown::clean;
  } else {
    before_last_ = booted_ ? PreviousShutdown::unclean : PreviousShutdown::unknown;
  }
  booted_ = true;
  shut_down_ = false;
  last_is_this_boot_ = std::chrono::abs(time_of(entry) - boot_time_) <= kClockStep;
}

PreviousShutdown WtmpReader::verdict() const {
  return last_is_this_boot_ ? before_last_ : PreviousShutdown::unknown;
}

}  // namespace upkeep
