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

Result<std::string> make_token(const std::filesystem::path& file) {
  std::array<unsigned char, 32> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return failed("make", file, errno);
  }
  std::string token;
  for (const unsigned char byte : random) token += fmt::format("{:02x}", byte);
  // Exclusive: a file or link that somebody put there meanwhile is not written through.
  const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failed("make", file, errno);
  const std::string text = token + '\n';
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    const int error = errno;
    ::unlink(file.c_str());
    return failed("write", file, error);
  }
  return token;
}

Result<std::string> read_token(const UniqueFd& fd, const std::filesystem::path& file) {
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return failed("read", file, errno);
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
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd) return read_token(fd, file);
  if (errno != ENOENT) return failed("open", file, errno);
  if (missing == MissingToken::make) return make_token(file);
  return fail(Errc::not_found,
              fmt::format("token file {0} does not exist: (umask 077; openssl rand -hex 32 > {0})",
                          file.string()));
}

}  // namespace upkeep
