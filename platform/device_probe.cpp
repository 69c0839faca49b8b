#include "platform/device_probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "platform/unique_fd.h"

namespace upkeep {
namespace {

/// Also the alignment that O_DIRECT asks of any disk.
constexpr std::size_t kBlock = 4096;

struct Free {
  void operator()(void* memory) const {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
    std::free(memory);
  }
};

/// One probe, shared by its thread and whoever waits for it.
struct Probe {
  std::mutex mutex;
  std::condition_variable ended;
  std::optional<Result<void>> result;
};

/// The paths whose probe has not come back.
struct Reading {
  std::mutex mutex;
  std::set<std::string> paths;
};

Reading& reading() {
  // Never destroyed: a thread that hangs may come back after everything else has ended.
  static auto* const all = new Reading;  // NOLINT(cppcoreguidelines-owning-memory)
  return *all;
}

Errc to_errc(int error) {
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV: return Errc::not_found;
    case EACCES:
    case EPERM: return Errc::denied;
    default: return Errc::storage;
  }
}

std::unexpected<Error> failed(const std::string& path, std::string_view what, int error) {
  return fail(to_errc(error), fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

Result<void> read_block(int fd, const std::string& path, off_t at) {
  const std::unique_ptr<void, Free> block(std::aligned_alloc(kBlock, kBlock));
  if (block == nullptr) return fail(Errc::exhausted, "no memory to read " + path);
  ssize_t got = 0;
  do {
    got = ::pread(fd, block.get(), kBlock, at);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return failed(path, fmt::format("read at {} of", at), errno);
  if (got == static_cast<ssize_t>(kBlock)) return {};
  return fail(Errc::storage, fmt::format("{} ends in the middle of a read at {}", path, at));
}

Result<void> read_ends(const std::string& path) {
  // O_NONBLOCK: opening must not wait, e.g. for a FIFO's writer.
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
  UniqueFd fd(::open(path.c_str(), kFlags | O_DIRECT));
  if (fd.get() < 0 && errno == EINVAL) fd = UniqueFd(::open(path.c_str(), kFlags));
  if (fd.get() < 0) return failed(path, "open", errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) < 0) return failed(path, "stat", errno);
  if (!S_ISBLK(status.st_mode) && !S_ISREG(status.st_mode)) {
    return fail(Errc::invalid, path + " is neither a block device nor a file");
  }
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) return failed(path, "size of", errno);
  constexpr auto kSize = static_cast<off_t>(kBlock);
  if (size < kSize) return fail(Errc::storage, fmt::format("{} has only {} bytes", path, size));
  if (auto first = read_block(fd.get(), path, 0); !first) return first;
  return read_block(fd.get(), path, size / kSize * kSize - kSize);
}

void probe_in_thread(const std::shared_ptr<Probe>& probe, const std::string& path) {
  auto result = read_ends(path);
  {
    const std::scoped_lock lock(reading().mutex);
    reading().paths.erase(path);
  }
  const std::scoped_lock lock(probe->mutex);
  probe->result = std::move(result);
  probe->ended.notify_all();
}

}  // namespace

Result<void> probe_device(const std::string& path, Duration deadline) {
  {
    const std::scoped_lock lock(reading().mutex);
    if (!reading().paths.insert(path).second) {
      return fail(Errc::unavailable, fmt::format("an earlier read of {} has not ended", path));
    }
  }
  auto probe = std::make_shared<Probe>();
  try {
    std::thread(probe_in_thread, probe, path).detach();
  } catch (const std::system_error& error) {
    const std::scoped_lock lock(reading().mutex);
    reading().paths.erase(path);
    return fail(Errc::exhausted, fmt::format("no thread to read {}: {}", path, error.what()));
  }
  std::unique_lock lock(probe->mutex);
  if (!probe->ended.wait_for(lock, deadline, [&] { return probe->result.has_value(); })) {
    return fail(Errc::timed_out, fmt::format("a read of {} has not come back", path));
  }
  return *probe->result;
}

}  // namespace upkeep
