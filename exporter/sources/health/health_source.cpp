#include "exporter/sources/health/health_source.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "exporter/model/latest.h"
#include "exporter/sources/health/libvirt_probe.h"
#include "exporter/sources/hypervisor/reconnect_gap.h"

namespace upkeep {

/// Everything that the list's thread and the checks' share.
class HealthSource::Desk : public std::enable_shared_from_this<HealthSource::Desk> {
 public:
  explicit Desk(Parts parts) : parts_(std::move(parts)), rounds_(parts_.pace) {}

  void run(const std::stop_token& stop);
  void close();
  void use(CheckOf check_of);
  void poke();
  [[nodiscard]] std::shared_ptr<const VmHealths> latest() const { return latest_.get(); }

 private:
  void check(const CheckOrder& order);
  /// Sends out what is due.
  void send_out();
  [[nodiscard]] bool wants_list(Tick next);
  /// False: libvirt can't be asked.
  [[nodiscard]] bool list();
  /// With `mutex_` held.
  void publish();
  void tell();
  void wait(Duration at_most, const std::stop_token& stop);

  const Parts parts_;
  Latest<VmHealths> latest_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool poked_ = false;       ///< List at once.
  bool place_free_ = false;  ///< A check ended: another one may have waited for its place.
  CheckOf check_of_;
  CheckRounds rounds_;
  std::mutex tell_mutex_;
  bool closed_ = false;
};

void HealthSource::Desk::run(const std::stop_token& stop) {
  ReconnectGap gap;
  Tick next_list{};
  while (!stop.stop_requested()) {
    if (wants_list(next_list)) {
      const Duration pause = list() ? parts_.look : std::max(parts_.look, gap.next());
      if (pause == parts_.look) gap.reset();
      next_list = parts_.clock->now() + pause;
    }
    send_out();
    wait(std::clamp(next_list - parts_.clock->now(), Duration::zero(), parts_.look), stop);
  }
}

bool HealthSource::Desk::wants_list(Tick next) {
  const std::scoped_lock lock(mutex_);
  return std::exchange(poked_, false) || parts_.clock->now() >= next;
}

bool HealthSource::Desk::list() {
  CheckOf check_of;
  {
    const std::scoped_lock lock(mutex_);
    check_of = check_of_;
  }
  const auto listed = check_of ? parts_.list(check_of) : std::vector<ActiveVm>{};
  const std::scoped_lock lock(mutex_);
  if (listed) rounds_.see(*listed);
  return listed.has_value();
}

void HealthSource::Desk::send_out() {
  std::vector<CheckOrder> orders;
  bool news = false;
  {
    const std::scoped_lock lock(mutex_);
    const Tick now = parts_.clock->now();
    orders = rounds_.due(now);
    news = rounds_.note_overdue(now);
    publish();
  }
  if (news) tell();
  for (const CheckOrder& order : orders) {
    try {
      std::thread([desk = shared_from_this(), order] { desk->check(order); }).detach();
    } catch (const std::system_error& error) {
      const std::scoped_lock lock(mutex_);
      const Tick now = parts_.clock->now();
      rounds_.take(order, {.kind = CheckAnswer::Kind::not_asked, .detail = error.what()}, now, now);
    }
  }
}

void HealthSource::Desk::check(const CheckOrder& order) {
  const Tick began = parts_.clock->now();
  CheckAnswer answer;
  try {
    answer = parts_.probe->ask(order);
  } catch (const std::exception& exception) {  // A bug; nothing else may end with it.
    answer = {.kind = CheckAnswer::Kind::not_asked, .detail = exception.what()};
  }
  bool news = false;
  {
    const std::scoped_lock lock(mutex_);
    news = rounds_.take(order, answer, began, parts_.clock->now());
    publish();
    place_free_ = true;
  }
  changed_.notify_all();
  if (news) tell();
}

void HealthSource::Desk::publish() {
  latest_.set(rounds_.empty() ? nullptr : std::make_shared<const VmHealths>(rounds_.healths()));
}

void HealthSource::Desk::tell() {
  const std::scoped_lock lock(tell_mutex_);
  if (!closed_ && parts_.on_news) parts_.on_news();
}

void HealthSource::Desk::close() {
  const std::scoped_lock lock(tell_mutex_);
  closed_ = true;
}

void HealthSource::Desk::use(CheckOf check_of) {
  {
    const std::scoped_lock lock(mutex_);
    check_of_ = std::move(check_of);
  }
  poke();
}

void HealthSource::Desk::poke() {
  {
    const std::scoped_lock lock(mutex_);
    poked_ = true;
  }
  changed_.notify_all();
}

void HealthSource::Desk::wait(Duration at_most, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, at_most, [this] { return poked_ || place_free_; });
  place_free_ = false;
}

HealthSource::HealthSource(Parts parts) : desk_(std::make_shared<Desk>(std::move(parts))) {}

HealthSource::~HealthSource() { close(); }

void HealthSource::start() {
  thread_.start([desk = desk_](const std::stop_token& stop) { desk->run(stop); });
}

void HealthSource::close() { desk_->close(); }
void HealthSource::use(CheckOf check_of) { desk_->use(std::move(check_of)); }
void HealthSource::poke() { desk_->poke(); }
std::shared_ptr<const VmHealths> HealthSource::latest() const { return desk_->latest(); }

HealthSource::Parts health_parts(const std::string& uri, std::shared_ptr<const Clock> clock,
                                 std::function<void()> on_news) {
  // Opened by its first use, on the source's own thread.
  const auto active = std::make_shared<ActiveVms>(uri);
  return {.clock = std::move(clock),
          .list = [active](const CheckOf& check_of) { return active->read(check_of); },
          .probe = std::make_shared<LibvirtProbe>(uri),
          .on_news = std::move(on_news)};
}

}  // namespace upkeep
