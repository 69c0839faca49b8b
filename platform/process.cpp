#include "platform/process.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "platform/spawn.h"
#include "platform/wakeup.h"

namespace upkeep {
namespace {

enum class End { exited, deadline, too_much, stopped };

/// Carries a child's input and output until it ends.
class Pump {
 public:
  Pump(Child& child, const ProcessRequest& request, const Wakeup& stop)
      : child_(child), request_(request), stop_(stop) {}

  End run() {
    const Tick until = std::chrono::steady_clock::now() + request_.deadline;
    if (request_.input.empty()) child_.in.reset();
    while (true) {
      const Tick now = std::chrono::steady_clock::now();
      if (now >= until) return End::deadline;
      std::array<pollfd, 5> fds{{{child_.pidfd.get(), POLLIN, 0},
                                 {child_.out.get(), POLLIN, 0},
                                 {child_.err.get(), POLLIN, 0},
                                 {child_.in.get(), POLLOUT, 0},
                                 {stop_.fd(), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), poll_timeout(now, until)) < 0) continue;  // EINTR
      if (fds[4].revents != 0) return End::stopped;
      if (fds[3].revents != 0) feed();
      if (fds[1].revents != 0 && !take(child_.out, result.out)) return End::too_much;
      if (fds[2].revents != 0) (void)take(child_.err, result.err);
      // Looked at last: what it wrote before it ended has been read then. A grandchild that keeps
      // the pipes open isn't waited for.
      if (fds[0].revents != 0) return drain();
    }
  }

  ProcessResult result;

 private:
  void feed() {
    const std::string_view rest = std::string_view(request_.input).substr(fed_);
    const ssize_t sent = ::send(child_.in.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) fed_ += static_cast<std::size_t>(sent);
    const bool gone = sent < 0 && errno != EAGAIN && errno != EINTR;
    if (gone || fed_ == request_.input.size()) child_.in.reset();
  }

  // Reads what is there; false when it is more than the cap. Closes at the end of file.
  bool take(UniqueFd& from, std::string& to) const {
    std::array<char, 16384> chunk{};
    while (from) {
      const ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return true;
      if (got <= 0) {
        from.reset();
        return true;
      }
      const auto size = static_cast<std::size_t>(got);
      const std::size_t room = request_.output_cap - to.size();
      to.append(chunk.data(), std::min(size, room));
      if (size > room) return false;
    }
    return true;
  }

  End drain() {
    (void)take(child_.err, result.err);
    return take(child_.out, result.out) ? End::exited : End::too_much;
  }

  Child& child_;
  const ProcessRequest& request_;
  const Wakeup& stop_;
  std::size_t fed_ = 0;
};

std::string seconds_text(Duration duration) {
  return fmt::format("{:g} s", std::chrono::duration_cast<Seconds>(duration).count());
}

Error why(End end, const ProcessRequest& request) {
  const std::string& program = request.argv.front();
  if (end == End::stopped) return {Errc::unavailable, program + ": stopped, as asked"};
  if (end == End::too_much) {
    return {Errc::exhausted,
            fmt::format("{}: wrote more than {} bytes", program, request.output_cap)};
  }
  return {Errc::timed_out,
          fmt::format("{}: no answer within {}", program, seconds_text(request.deadline))};
}

}  // namespace

Result<ProcessResult> run(const ProcessRequest& request) {
  Leftover left;
  return run(request, left);
}

Result<ProcessResult> run(const ProcessRequest& request, Leftover& left) {
  const Wakeup stop;
  const std::stop_callback on_stop(request.stop, [&stop] { stop.set(); });
  auto child = spawn({.argv = request.argv, .with_input = !request.input.empty()});
  if (!child) return std::unexpected(child.error());
  Pump pump(*child, request, stop);
  const End end = pump.run();
  if (end != End::exited) {
    left = end_group(*child, request.kill_grace).leftover;
    return std::unexpected(why(end, request));
  }
  int status = 0;
  while (::waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
  }
  pump.result.exit_code = exit_code_of(status);
  if (group_exists(child->pid)) left = leave_to_reaper(child->pid, true);
  return std::move(pump.result);
}

}  // namespace upkeep
