#include "app/daemon/watched_token.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace upkeep {
namespace {

constexpr Duration kLookGap = std::chrono::seconds(1);

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

WatchedToken::WatchedToken(std::filesystem::path file, Parts parts)
    : file_(std::move(file)), parts_(std::move(parts)) {}

Result<std::unique_ptr<WatchedToken>> WatchedToken::open(std::filesystem::path file,
                                                         MissingToken missing, Parts parts) {
  std::unique_ptr<WatchedToken> watched(new WatchedToken(std::move(file), std::move(parts)));
  // Before it is read, here and in `look`: a change in between is then seen as one.
  watched->stamp_ = stamp_of(watched->file_);
  auto token = control_token(watched->file_, missing);
  if (!token) return std::unexpected(std::move(token.error()));
  watched->token_ = std::move(*token);
  watched->looked_ = watched->parts_.clock.now();
  return watched;
}

WatchedToken::Stamp WatchedToken::stamp_of(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return {.error = errno};
  return {.error = 0,
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

std::string WatchedToken::current() {
  {
    const std::unique_lock looking(looking_, std::try_to_lock);
    if (looking) look();
  }
  const std::scoped_lock lock(mutex_);
  return token_;
}

void WatchedToken::look() {
  const Tick now = parts_.clock.now();
  if (looked_ && now - *looked_ < kLookGap) return;
  looked_ = now;
  const Stamp stamp = stamp_of(file_);
  if (stamp == stamp_) return;
  stamp_ = stamp;
  // Never made here: whoever removed the file has not said that another one should be valid.
  auto token = control_token(file_, MissingToken::refuse);
  if (parts_.changed) parts_.changed(token.has_value());
  if (token) {
    take(std::move(*token));
  } else {
    parts_.log.error("the changed token file is of no use: the token before it stays in effect",
                     {{"error", token.error().message}});
  }
}

void WatchedToken::take(std::string token) {
  const std::scoped_lock lock(mutex_);
  if (token == token_) return;
  token_ = std::move(token);
  parts_.log.info("the control listener has a new token", {{"file", file_.string()}});
}

}  // namespace upkeep
