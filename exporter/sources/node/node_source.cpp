#include "exporter/sources/node/node_source.h"

#include <poll.h>

#include <array>
#include <memory>
#include <utility>

#include "exporter/sources/node/node_facts.h"
#include "exporter/sources/node/shutdown_watch.h"

namespace upkeep {

NodeSource::NodeSource(NodeSourceOptions options, const Clock& clock, SourceListener& listener)
    : options_(std::move(options)), clock_(clock), listener_(listener) {
  latest_.set(std::make_shared<const Observed<Node>>());
}

NodeSource::~NodeSource() {
  thread_.request_stop();
  wakeup_.set();
}

void NodeSource::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void NodeSource::poke() { wakeup_.set(); }

Observed<Node> NodeSource::latest() const { return *latest_.get(); }

void NodeSource::run(const std::stop_token& stop) {
  ShutdownWatch watch(options_.root);
  while (!stop.stop_requested()) {
    wakeup_.clear();
    watch.ask();
    read(watch);
    wait(watch, stop);
  }
}

void NodeSource::read(const ShutdownWatch& watch) {
  const Tick begun = clock_.now();
  auto node = read_node(options_.root);
  if (node) {
    // Read once a boot: its past does not change, and the records can be long.
    if (!previous_shutdown_.contains(node->boot_id)) {
      previous_shutdown_[node->boot_id] = read_previous_shutdown(options_.root, node->boot_time);
    }
    node->previous_shutdown = previous_shutdown_[node->boot_id];
    node->shutting_down = watch.going_down();
  }
  const bool succeeded = node.has_value();
  latest_.set(std::make_shared<const Observed<Node>>(std::move(node), begun));
  listener_.read_finished(SourceKind::node, clock_.now() - begun, succeeded);
  listener_.published(SourceKind::node);
}

void NodeSource::wait(ShutdownWatch& watch, const std::stop_token& stop) const {
  using SteadyClock = std::chrono::steady_clock;
  const auto until = SteadyClock::now() + options_.interval;
  const bool known = watch.going_down();
  while (!stop.stop_requested() && watch.going_down() == known) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now());
    if (left.count() <= 0) return;
    std::array<pollfd, 2> waited{{{.fd = wakeup_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = watch.fd(), .events = watch.events(), .revents = 0}}};
    (void)::poll(waited.data(), waited.size(), static_cast<int>(left.count()));
    if (waited[0].revents != 0) return;
    if (waited[1].revents != 0) watch.take_news();
  }
}

}  // namespace upkeep
