#include "platform/spawn.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace upkeep {
namespace {

Error errno_error(std::string_view what, int code) {
  Errc errc = Errc::failed;
  if (code == ENOENT || code == ENOTDIR) errc = Errc::not_found;
  if (code == EACCES || code == EPERM) errc = Errc::denied;
  if (code == EMFILE || code == ENFILE || code == ENOMEM || code == EAGAIN) errc = Errc::exhausted;
  return {errc, fmt::format("{}: {}", what, std::strerror(code))};
}

// A descriptor below 3 would be overwritten while the child's stdio is set up.
UniqueFd above_stdio(int fd) {
  UniqueFd owned(fd);
  if (fd < 0 || fd > STDERR_FILENO) return owned;
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

struct Ends {
  UniqueFd ours, childs;
};

Ends make_pipe() {
  std::array<int, 2> fds{-1, -1};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return {};
  return {above_stdio(fds[0]), above_stdio(fds[1])};
}

Ends make_input(bool wanted) {
  if (!wanted) return {UniqueFd(), above_stdio(::open("/dev/null", O_RDONLY | O_CLOEXEC))};
  std::array<int, 2> fds{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) return {};
  Ends ends{above_stdio(fds[0]), above_stdio(fds[1])};
  ::shutdown(ends.ours.get(), SHUT_RD);
  return ends;
}

bool set_nonblocking(const UniqueFd& fd) {
  return !fd || ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK) == 0;
}

// Everything the child needs, made before fork: afterwards only async-signal-safe calls are
// allowed, because other threads may have held any lock.
struct Launch {
  std::vector<char*> argv;
  std::array<char*, 3> environment;
  int in, out, err, report;
  bool die_with_us;
  pid_t parent;
};

[[noreturn]] void become(const Launch& launch) {
  ::setpgid(0, 0);
  if (launch.die_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != launch.parent) ::_exit(127);  // It died before prctl.
  }
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool ready = ::dup2(launch.in, STDIN_FILENO) >= 0 &&
                     ::dup2(launch.out, STDOUT_FILENO) >= 0 &&
                     ::dup2(launch.err, STDERR_FILENO) >= 0 && ::chdir("/") == 0;
  if (ready) {
    // Libraries may have opened descriptors without close-on-exec.
    ::close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    ::execve(launch.argv.front(), launch.argv.data(), launch.environment.data());
  }
  const int code = errno;
  (void)!::write(launch.report, &code, sizeof code);
  ::_exit(127);
}

// Forks with every signal blocked, so that no handler of ours runs in the child.
pid_t fork_quietly(const Launch& launch) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) become(launch);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

// proc(5): "pid (comm) state ppid pgrp ..."; comm may contain anything, also ')'.
bool is_live_member(const std::string& pid, pid_t leader) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string stat;
  std::getline(file, stat);
  const std::size_t comm_end = stat.rfind(')');
  if (comm_end == std::string::npos) return false;
  std::istringstream rest(stat.substr(comm_end + 1));
  char state = 'Z';
  pid_t parent = 0;
  pid_t group = 0;
  rest >> state >> parent >> group;
  return group == leader && state != 'Z' && state != 'X';
}

// What the child reports before exec; nothing when exec succeeded (the pipe closes).
int exec_error(const UniqueFd& report) {
  int code = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.get(), &code, sizeof code);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof code) ? code : 0;
}

}  // namespace

Result<Child> spawn(const SpawnRequest& request) {
  if (request.argv.empty() || !request.argv.front().starts_with('/')) {
    return fail(Errc::invalid, "start a program: its path must be absolute");
  }
  const std::string what = "start " + request.argv.front();
  Ends in = make_input(request.with_input);
  Ends out = make_pipe();
  Ends err = make_pipe();
  Ends report = make_pipe();
  if (!in.childs || !out.ours || !err.ours || !report.ours || !set_nonblocking(in.ours) ||
      !set_nonblocking(out.ours) || !set_nonblocking(err.ours)) {
    return std::unexpected(errno_error(what, errno));
  }
  std::vector<std::string> words = request.argv;
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string locale = "LC_ALL=C";
  Launch launch{{},
                {path.data(), locale.data(), nullptr},
                in.childs.get(),
                out.childs.get(),
                err.childs.get(),
                report.childs.get(),
                request.die_with_us,
                ::getpid()};
  for (std::string& word : words) launch.argv.push_back(word.data());
  launch.argv.push_back(nullptr);

  const pid_t pid = fork_quietly(launch);
  if (pid < 0) return std::unexpected(errno_error(what, errno));
  report.childs.reset();
  if (const int code = exec_error(report.ours); code != 0) {
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(errno_error(what, code));
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): glibc 2.36 has no usable wrapper for C++.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int code = errno;
    signal_group(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(errno_error(what, code));
  }
  return Child{pid, std::move(pidfd), std::move(in.ours), std::move(out.ours), std::move(err.ours)};
}

void signal_group(pid_t leader, int signal) { ::kill(-leader, signal); }

bool group_exists(pid_t leader) {
  if (::kill(-leader, 0) != 0 && errno == ESRCH) return false;
  // Somebody is there; but a zombie that its parent is slow to wait for no longer does anything.
  std::error_code ignored;
  for (std::filesystem::directory_iterator at("/proc", ignored), end; !ignored && at != end;
       at.increment(ignored)) {
    const std::string name = at->path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos && is_live_member(name, leader)) {
      return true;
    }
  }
  return false;
}

int exit_code_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int poll_timeout(Tick now, Tick until) {
  if (until <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, INT_MAX));
}

}  // namespace upkeep
