#include "app/daemon/control_token.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "platform/unique_fd.h"

namespace upkeep {
namespace {

constexpr std::size_t kShortest = 16;
constexpr std::size_t kLongestFile = 4096;

std::unexpected<Error> failed(std::string_view attempt, const std::filesystem::path& file,
                              int error) {
  const Errc code = error == EACCES || error == EPERM ? Errc::denied : Errc::unavailable;
  return fail(code,
              fmt::format("{} token file {}: {}", attempt, file.string(), std::strerror(error)));
}

/// Writes a new file, which must not be there, until the disk has it; `file` is whose draft it is.
Result<void> write_to_disk(const std::filesystem::path& draft, const std::string& text,
                           const std::filesystem::path& file) {
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failed("make", file, errno);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd.get()) != 0) {
    return failed("write", file, errno);
  }
  return {};
}

Result<std::string> make_token(const std::filesystem::path& file) {
  std::array<unsigned char, 32> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return failed("make", file, errno);
  }
  std::string token;
  for (const unsigned char byte : random) token += fmt::format("{:02x}", byte);
  // Under its name only once it is on the disk: a power cut must not leave half of it, with which
  // upkeep would never start again.
  const std::filesystem::path draft = file.string() + ".new";
  ::unlink(draft.c_str());  // What a power cut left.
  auto put = write_to_disk(draft, token + '\n', file);
  // Unlike rename, link replaces nothing that somebody put there meanwhile.
  if (put && ::link(draft.c_str(), file.c_str()) != 0) put = failed("make", file, errno);
  ::unlink(draft.c_str());
  if (!put) return std::unexpected(std::move(put.error()));
  const UniqueFd folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return failed("write", file, errno);
  return token;
}

Result<std::string> read_token(const UniqueFd& fd, const std::filesystem::path& file) {
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return failed("read", file, errno);
  if (!S_ISREG(status.st_mode)) {
    return fail(Errc::invalid, fmt::format("token file {} is not a file", file.string()));
  }
  if (status.st_size > static_cast<off_t>(kLongestFile)) {
    return fail(Errc::invalid, fmt::format("token file {} is larger than {} bytes: it should hold "
                                           "one word",
                                           file.string(), kLongestFile));
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::denied,
                fmt::format("token file {0} is open to others: chmod 600 {0}", file.string()));
  }
  std::array<char, kLongestFile> buffer{};
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got < 0) return failed("read", file, errno);
  std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  constexpr std::string_view kBlank = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  text = text.substr(0, text.find_first_of(kBlank));
  if (text.size() < kShortest) {
    return fail(Errc::invalid, fmt::format("token file {}: the token needs {} characters or more: "
                                           "openssl rand -hex 32 > {}",
                                           file.string(), kShortest, file.string()));
  }
  return std::string(text);
}

}  // namespace

Result<std::string> control_token(const std::filesystem::path& file, MissingToken missing) {
  // Nobody waits for the other end of a pipe.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd) return read_token(fd, file);
  if (errno != ENOENT) return failed("open", file, errno);
  if (missing == MissingToken::make) return make_token(file);
  return fail(Errc::not_found,
              fmt::format("token file {0} does not exist: (umask 077; openssl rand -hex 32 > {0})",
                          file.string()));
}

}  // namespace upkeep
