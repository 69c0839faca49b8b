#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "exporter/metrics/exposition.h"
#include "exporter/model/clock.h"

namespace upkeep {

/// gzip at the fastest level: Prometheus always asks for it, and level 6 costs 2.5 times the CPU.
[[nodiscard]] std::string gzipped(std::string_view text);

/// The body of /metrics. Rendered when it is asked for and the snapshot is another one than last
/// time, or a second has passed (counters move and readings age without a new snapshot); everybody
/// else gets the same bytes. The gzip form is made when the first one asks for it. Thread-safe.
class MetricsPage {
 public:
  struct Source {
    std::function<std::uint64_t()> generation;
    std::function<void(Exposition&)> write;
  };

  MetricsPage(const Clock& clock, Source source) : clock_(clock), source_(std::move(source)) {}

  [[nodiscard]] std::shared_ptr<const std::string> text();
  [[nodiscard]] std::shared_ptr<const std::string> gzip();

 private:
  void refresh();

  const Clock& clock_;
  Source source_;
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  Tick rendered_{};
  std::shared_ptr<const std::string> text_;  ///< Null until the first request.
  std::shared_ptr<const std::string> gzip_;  ///< Of `text_`; null until somebody asks.
};

}  // namespace upkeep
