#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "exporter/metrics/catalog.h"

namespace upkeep {

/// Bounds of every duration's histogram, seconds: from a fast restart to a long outage.
[[nodiscard]] inline const prometheus::Histogram::BucketBoundaries& duration_buckets() {
  static const prometheus::Histogram::BucketBoundaries kBuckets{
      0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
  return kBuckets;
}

template <class T>
inline constexpr MetricType kTypeOf = MetricType::histogram;
template <>
inline constexpr MetricType kTypeOf<prometheus::Counter> = MetricType::counter;
template <>
inline constexpr MetricType kTypeOf<prometheus::Gauge> = MetricType::gauge;

/// The instruments of one prometheus-cpp family by their label values. Keeps the references,
/// because Family::Add looks a label set up in a microsecond. Thread-safe.
template <class T>
class InstrumentSet {
 public:
  using Values = std::vector<std::string>;  ///< In the order of the label names.

  /// Throws std::logic_error when the catalog has it as another type.
  InstrumentSet(prometheus::Registry& registry, Documented documented)
      : family_(prometheus::detail::Builder<T>()
                    .Name(std::string(documented.family().name))
                    .Help(std::string(documented.family().help))
                    .Register(registry)),
        labels_(label_names(documented.family())) {
    if (documented.family().type != kTypeOf<T>) {
      throw std::logic_error("metric family '" + std::string(documented.family().name) +
                             "' is documented as another type");
    }
  }

  /// Calls `use` with the instrument of these label values, which is created when there is none.
  /// Under the lock, so that nobody drops it meanwhile.
  template <class Use>
  void with(const Values& values, Use use) {
    const std::scoped_lock lock(mutex_);
    auto found = known_.find(values);
    if (found == known_.end()) found = known_.emplace(values, &create(values)).first;
    use(*found->second);
  }

  /// Makes the series exist.
  void touch(const Values& values) {
    with(values, [](const T&) {});
  }

  /// Drops the series for which `gone(values)`.
  template <class Predicate>
  void drop_if(Predicate gone) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(known_, [&](const auto& entry) {
      if (!gone(entry.first)) return false;
      family_.Remove(entry.second);
      return true;
    });
  }

 private:
  T& create(const Values& values) {
    prometheus::Labels labels;
    for (std::size_t i = 0; i < labels_.size(); ++i) labels.emplace(labels_[i], values.at(i));
    if constexpr (std::is_same_v<T, prometheus::Histogram>) {
      return family_.Add(labels, duration_buckets());
    } else {
      return family_.Add(labels);
    }
  }

  std::mutex mutex_;
  prometheus::Family<T>& family_;
  std::vector<std::string> labels_;
  std::map<Values, T*> known_;
};

}  // namespace upkeep
