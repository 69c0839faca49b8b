#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "exporter/model/snapshot.h"
#include "exporter/sources/hypervisor/libvirt_source.h"
#include "exporter/sources/source.h"

namespace upkeep {

/// Writes down, in order, each event and each reading's changes of state: "event web1 started",
/// "reading web1 running", "reading web1 gone", "error unavailable".
class RecordingListener final : public SourceListener {
 public:
  static constexpr auto kPatience = std::chrono::seconds(20);

  /// Whose readings to fetch. Before it starts.
  void attach(const LibvirtSource* source) { source_ = source; }

  void published(SourceKind source) override {
    const std::scoped_lock lock(mutex_);
    ++published_[source];
    if (source == SourceKind::libvirt && source_ != nullptr) note_reading(source_->latest());
    changed_.notify_all();
  }
  void vm_event(const VmEvent& event) override {
    const std::scoped_lock lock(mutex_);
    log_.push_back("event " + event.name.value + " " + std::string(to_string(event.kind)));
    events_.push_back(event);
    changed_.notify_all();
  }
  void drbd_event(const DrbdEvent& /*event*/) override {}
  void read_finished(SourceKind source, Duration /*took*/, bool succeeded) override {
    const std::scoped_lock lock(mutex_);
    ++(succeeded ? good_reads_ : bad_reads_)[source];
    changed_.notify_all();
  }
  void unparsed(SourceKind /*source*/, std::string_view what) override {
    const std::scoped_lock lock(mutex_);
    unparsed_.emplace_back(what);
  }

  [[nodiscard]] std::vector<std::string> log() const {
    const std::scoped_lock lock(mutex_);
    return log_;
  }
  [[nodiscard]] std::vector<VmEvent> events() const {
    const std::scoped_lock lock(mutex_);
    return events_;
  }
  [[nodiscard]] std::vector<std::string> unparsed() const {
    const std::scoped_lock lock(mutex_);
    return unparsed_;
  }
  [[nodiscard]] int published_count(SourceKind source) const {
    const std::scoped_lock lock(mutex_);
    const auto found = published_.find(source);
    return found == published_.end() ? 0 : found->second;
  }
  [[nodiscard]] int bad_reads(SourceKind source) const {
    const std::scoped_lock lock(mutex_);
    const auto found = bad_reads_.find(source);
    return found == bad_reads_.end() ? 0 : found->second;
  }

  /// Waits until the condition, asked after each thing that happens, holds.
  bool wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) return true;
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
    return condition();
  }
  bool wait_for_line(const std::string& line, int times = 1) {
    return wait_until([&] {
      int seen = 0;
      for (const std::string& each : log()) seen += each == line ? 1 : 0;
      return seen >= times;
    });
  }

 private:
  void note_reading(const Observed<std::shared_ptr<const Vms>>& observed) {
    if (!observed.reading) {
      log_.push_back("error " + std::string(to_string(observed.reading.error().code)));
      return;
    }
    std::map<std::string, std::string> states;
    for (const Vm& vm : **observed.reading) states[vm.name.value] = to_string(vm.state);
    for (const auto& [name, state] : states) {
      if (states_[name] != state) log_.push_back("reading " + name + " " + state);
    }
    for (const auto& [name, state] : states_) {
      if (!states.contains(name)) log_.push_back("reading " + name + " gone");
    }
    states_ = std::move(states);
  }

  const LibvirtSource* source_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> log_, unparsed_;
  std::vector<VmEvent> events_;
  std::map<std::string, std::string> states_;
  std::map<SourceKind, int> published_, good_reads_, bad_reads_;
};

}  // namespace upkeep
