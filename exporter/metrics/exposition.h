#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "exporter/metrics/catalog.h"

namespace prometheus {
struct ClientMetric;
struct MetricFamily;
}  // namespace prometheus

namespace upkeep {

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::span<const Label>;

/// Writes Prometheus's text format 0.0.4, family after family. A family without a sample leaves
/// nothing, not even its HELP.
class Exposition {
 public:
  /// Begins a family; the samples that follow are its. Throws std::logic_error for one that was
  /// begun before: Prometheus wants a family in one piece.
  void family(Documented documented) { family(documented.family()); }
  void family(const MetricFamily& family);

  /// One series of the current family. Throws std::logic_error before the first family.
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void sample(Labels labels, Number value) {
    begin_sample({}, labels);
    if constexpr (std::unsigned_integral<Number>) {
      end_sample(static_cast<std::uint64_t>(value));
    } else if constexpr (std::integral<Number>) {
      end_sample(static_cast<std::int64_t>(value));
    } else {
      end_sample(static_cast<double>(value));
    }
  }

  template <class Number>
    requires std::is_arithmetic_v<Number>
  void sample(std::initializer_list<Label> labels, Number value) {
    sample(Labels(labels.begin(), labels.size()), value);
  }

  /// Writes what a prometheus-cpp registry collected, series sorted by their labels.
  void add(const std::vector<prometheus::MetricFamily>& families);

  /// What was written so far.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void begin_sample(std::string_view suffix, Labels labels, const Label* last = nullptr);
  void end_sample(double value);
  void end_sample(std::uint64_t value);
  void end_sample(std::int64_t value);
  void add_metric(const prometheus::MetricFamily& family, const prometheus::ClientMetric& metric);
  void add_histogram(const prometheus::ClientMetric& metric, Labels labels);

  std::string text_;
  std::string name_;    ///< Of the current family; empty before the first.
  std::string header_;  ///< Its HELP and TYPE, until the first sample writes them.
  std::set<std::string, std::less<>> begun_;
};

}  // namespace upkeep
