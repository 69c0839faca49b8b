#include "platform/streaming_process.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "platform/leftover.h"

namespace upkeep {
namespace {

constexpr std::chrono::milliseconds kGrace{250};
constexpr std::size_t kErrorsKept = 4096;

}  // namespace

Result<std::unique_ptr<StreamingProcess>> StreamingProcess::start(std::vector<std::string> argv) {
  auto child = spawn({.argv = std::move(argv), .with_input = true, .die_with_us = true});
  if (!child) return std::unexpected(child.error());
  return std::unique_ptr<StreamingProcess>(new StreamingProcess(std::move(*child)));
}

StreamingProcess::~StreamingProcess() { end(); }

std::optional<StreamingProcess::Read> StreamingProcess::buffered_line(std::string& line) {
  while (true) {
    const std::size_t newline = buffer_.find('\n', scanned_);
    if (newline == std::string::npos) {
      scanned_ = buffer_.size();
      if (scanned_ <= kLongestLine) return std::nullopt;
      if (!skipping_) line = buffer_.substr(0, kLongestLine);
      buffer_.clear();
      scanned_ = 0;
      if (std::exchange(skipping_, true)) return std::nullopt;
      return Read::too_long;
    }
    const bool rest_of_skipped = std::exchange(skipping_, false);
    if (!rest_of_skipped) line = buffer_.substr(0, newline);
    buffer_.erase(0, newline + 1);
    scanned_ = 0;
    if (!rest_of_skipped) return Read::line;
  }
}

void StreamingProcess::read_output() {
  std::array<char, 16384> chunk{};
  const ssize_t got = ::read(child_.out.get(), chunk.data(), chunk.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    output_ended_ = true;
    child_.out.reset();
    return;
  }
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
}

void StreamingProcess::read_errors() {
  std::array<char, 4096> chunk{};
  const ssize_t got = ::read(child_.err.get(), chunk.data(), chunk.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    child_.err.reset();
    return;
  }
  errors_.append(chunk.data(), static_cast<std::size_t>(got));
  if (errors_.size() > kErrorsKept) errors_.erase(0, errors_.size() - kErrorsKept);
}

StreamingProcess::Read StreamingProcess::read_line(std::string& line, Duration timeout,
                                                   const Wakeup& wakeup) {
  const Tick until = std::chrono::steady_clock::now() + timeout;
  while (true) {
    if (const auto read = buffered_line(line)) return *read;
    if (output_ended_) {
      // An unfinished last line may be half a value: it is dropped.
      return Read::ended;
    }
    const Tick now = std::chrono::steady_clock::now();
    std::array<pollfd, 3> fds{
        {{child_.out.get(), POLLIN, 0}, {child_.err.get(), POLLIN, 0}, {wakeup.fd(), POLLIN, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), poll_timeout(now, until));
    if (ready < 0) continue;  // EINTR
    if (ready == 0) return Read::deadline;
    if (fds[1].revents != 0) read_errors();
    if (fds[0].revents != 0) {
      read_output();
      continue;
    }
    if (fds[2].revents != 0) return Read::woken;
    if (now >= until) return Read::deadline;
  }
}

bool StreamingProcess::write(std::string_view text) {
  const ssize_t sent = ::send(child_.in.get(), text.data(), text.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(text.size());
}

bool StreamingProcess::input_consumed() const {
  int unread = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): ioctl has no other interface.
  return ::ioctl(child_.in.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
}

std::optional<int> StreamingProcess::end() {
  if (std::exchange(ended_, true)) return exit_code_;
  exit_code_ = end_group(child_, kGrace).exit_code;
  while (child_.err) {
    const std::size_t before = errors_.size();
    read_errors();
    if (child_.err && errors_.size() == before) break;  // Nothing more is there.
  }
  return exit_code_;
}

}  // namespace upkeep
