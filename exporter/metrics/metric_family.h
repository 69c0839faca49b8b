#pragma once

#include <cstdint>
#include <string_view>

namespace upkeep {

enum class MetricType : std::uint8_t { counter, gauge, histogram };

[[nodiscard]] std::string_view to_string(MetricType type);

/// What upkeep publishes under one name, as /metrics and docs/metrics.md describe it.
struct MetricFamily {
  std::string_view name{};
  MetricType type = MetricType::gauge;
  std::string_view labels{};  ///< Their names, "vm, state"; empty: one series at most.
  std::string_view help{};    ///< Of /metrics, and the beginning of what the documentation says.
  std::string_view more{};    ///< What only the documentation says; Markdown.
};

}  // namespace upkeep
