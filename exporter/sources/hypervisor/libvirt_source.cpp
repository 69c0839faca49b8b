#include "exporter/sources/hypervisor/libvirt_source.h"

#include <utility>

#include "exporter/sources/hypervisor/outlet.h"
#include "exporter/sources/hypervisor/slow_reader.h"
#include "exporter/sources/hypervisor/state_reader.h"

namespace upkeep {

LibvirtSource::LibvirtSource(LibvirtSourceOptions options, const Clock& clock,
                             SourceListener& listener)
    : outlet_(std::make_shared<Outlet>(clock, listener)),
      slow_reader_(std::make_shared<SlowReader>(options, outlet_)),
      state_reader_(std::make_shared<StateReader>(std::move(options), outlet_, slow_reader_)) {}

LibvirtSource::~LibvirtSource() {
  // Both first, so that the destructors' waits overlap.
  slow_thread_.request_stop();
  state_thread_.request_stop();
  outlet_->close();
}

void LibvirtSource::start() {
  state_thread_.start([reader = state_reader_](const std::stop_token& stop) { reader->run(stop); });
  slow_thread_.start([reader = slow_reader_](const std::stop_token& stop) { reader->run(stop); });
}

void LibvirtSource::poke() { state_reader_->poke(); }

Observed<std::shared_ptr<const Vms>> LibvirtSource::latest() const { return outlet_->vms(); }

Observed<std::shared_ptr<const VmStatsByName>> LibvirtSource::latest_stats() const {
  return outlet_->stats();
}

}  // namespace upkeep
