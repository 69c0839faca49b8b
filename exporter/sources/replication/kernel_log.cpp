#include "exporter/sources/replication/kernel_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

namespace upkeep {
namespace {

constexpr std::size_t kRecordSize = 8192;  // CONSOLE_EXT_LOG_MAX; a smaller read is refused.
constexpr std::uint64_t kLevels = 8;       // The lowest three bits; what is above is the facility.
constexpr std::uint64_t kInformational = 6;
constexpr std::uint64_t kLatest =
    INT64_MAX / 1000;  // In microseconds; our clocks count nanoseconds.

Errc to_errc(int error) {
  if (error == EACCES || error == EPERM) return Errc::denied;
  if (error == ENOENT) return Errc::not_found;
  return Errc::unavailable;
}

std::optional<std::uint64_t> take_number(std::string_view& rest) {
  std::uint64_t number = 0;
  const char* const last = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data(), last, number);
  if (error != std::errc() || end == last || *end != ',') return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  return number;
}

struct Head {
  std::uint64_t priority = 0, sequence = 0;
  std::chrono::microseconds since_boot{};
};

// Takes what stands before the message off the front; nothing when the line isn't a record's first.
std::optional<Head> take_head(std::string_view& line) {
  const std::size_t semicolon = line.find(';');
  if (semicolon == std::string_view::npos || line.starts_with(' ')) return std::nullopt;
  std::string_view head = line.substr(0, semicolon);
  const auto priority = take_number(head);
  const auto sequence = take_number(head);
  const auto microseconds = take_number(head);
  if (!priority || !sequence || !microseconds || *microseconds > kLatest) {
    return std::nullopt;
  }
  line.remove_prefix(semicolon + 1);
  return Head{*priority, *sequence,
              std::chrono::microseconds(static_cast<std::int64_t>(*microseconds))};
}

}  // namespace

std::optional<KernelLogRecord> parse_kmsg_line(std::string_view line) {
  const auto head = take_head(line);
  if (!head || head->priority >= kLevels) return std::nullopt;
  return KernelLogRecord{head->since_boot, line};
}

void KernelLog::note_beginning(std::string_view line) {
  const auto head = take_head(line);
  if (!head) return;
  if (!beginning_) beginning_ = {head->sequence, head->since_boot, std::nullopt};
  if (beginning_->anchor || head->priority >= kLevels || head->priority < kInformational) return;
  const bool plain = !line.empty() && std::ranges::all_of(line, [](char c) {
    return c >= ' ' && c <= '~' && c != '\\';
  });
  if (plain) beginning_->anchor = {head->since_boot, std::string(line)};
}

void KernelLog::take_text(std::string_view text,
                          const std::function<void(const KernelLogRecord&)>& take) {
  rest_.append(text);
  std::string_view lines = rest_;
  for (std::size_t end = lines.find('\n'); end != std::string_view::npos; end = lines.find('\n')) {
    const std::string_view line = lines.substr(0, end);
    if (!beginning_ || !beginning_->anchor) note_beginning(line);
    if (const auto record = parse_kmsg_line(line)) take(*record);
    lines.remove_prefix(end + 1);
  }
  rest_ = std::string(lines.substr(0, kRecordSize));  // No end in sight: not a kernel's log.
}

Result<void> KernelLog::drain(const std::function<void(const KernelLogRecord&)>& take,
                              const std::function<void()>& overrun) {
  if (!fd_) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open(2).
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd_) {
      const int error = errno;
      return fail(to_errc(error), fmt::format("open {}: {}", path_.string(),
                                              std::generic_category().message(error)));
    }
    rest_.clear();
  }
  std::array<char, kRecordSize> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      take_text({buffer.data(), static_cast<std::size_t>(got)}, take);
      continue;
    }
    if (got == 0 || errno == EAGAIN) return {};
    if (errno == EINTR) continue;
    if (errno == EPIPE) {  // The ring buffer went on faster; reading resumes at its beginning.
      overrun();
      continue;
    }
    const int error = errno;
    fd_.reset();
    overrun();  // The next try reads from the beginning again.
    return fail(to_errc(error),
                fmt::format("read {}: {}", path_.string(), std::generic_category().message(error)));
  }
}

}  // namespace upkeep
