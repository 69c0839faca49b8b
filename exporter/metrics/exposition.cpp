#include "exporter/metrics/exposition.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "exporter/metrics/text_format.h"

namespace upkeep {
namespace {

MetricType type_of(const prometheus::MetricFamily& family) {
  switch (family.type) {
    case prometheus::MetricType::Counter: return MetricType::counter;
    case prometheus::MetricType::Gauge: return MetricType::gauge;
    case prometheus::MetricType::Histogram: return MetricType::histogram;
    case prometheus::MetricType::Summary:
    case prometheus::MetricType::Untyped: break;
  }
  throw std::logic_error("metric family '" + family.name + "': no summaries and no untyped ones");
}

void append_label(std::string& out, const Label& label) {
  out += label.name;
  out += "=\"";
  append_label_value(out, label.value);
  out += '"';
}

}  // namespace

std::string_view to_string(MetricType type) {
  switch (type) {
    case MetricType::counter: return "counter";
    case MetricType::gauge: return "gauge";
    case MetricType::histogram: return "histogram";
  }
  return "untyped";
}

void Exposition::family(const MetricFamily& family) {
  if (!begun_.emplace(family.name).second) {
    throw std::logic_error("metric family '" + std::string(family.name) + "' was begun twice");
  }
  name_ = family.name;
  header_ = "# HELP ";
  header_.append(family.name).append(" ");
  append_help(header_, family.help);
  header_.append("\n# TYPE ").append(family.name).append(" ");
  header_.append(to_string(family.type)).append("\n");
}

void Exposition::add(const std::vector<prometheus::MetricFamily>& families) {
  for (const auto& collected : families) {
    family(
        MetricFamily{.name = collected.name, .type = type_of(collected), .help = collected.help});
    std::vector<const prometheus::ClientMetric*> sorted;
    sorted.reserve(collected.metric.size());
    for (const auto& metric : collected.metric) sorted.push_back(&metric);
    std::ranges::sort(sorted, {}, &prometheus::ClientMetric::label);
    for (const auto* metric : sorted) add_metric(collected, *metric);
  }
}

void Exposition::add_metric(const prometheus::MetricFamily& family,
                            const prometheus::ClientMetric& metric) {
  std::vector<Label> labels;
  labels.reserve(metric.label.size());
  for (const auto& label : metric.label) labels.push_back({label.name, label.value});
  if (family.type == prometheus::MetricType::Histogram) {
    add_histogram(metric, labels);
  } else if (family.type == prometheus::MetricType::Counter) {
    sample(Labels(labels), metric.counter.value);
  } else {
    sample(Labels(labels), metric.gauge.value);
  }
}

void Exposition::add_histogram(const prometheus::ClientMetric& metric, Labels labels) {
  const auto bucket = [&](double upper_bound, std::uint64_t count) {
    std::string bound;
    append_number(bound, upper_bound);
    const Label le{"le", bound};
    begin_sample("_bucket", labels, &le);
    end_sample(count);
  };
  const auto& histogram = metric.histogram;
  for (const auto& [count, upper_bound] : histogram.bucket) bucket(upper_bound, count);
  // Without +Inf Prometheus can compute no quantile.
  if (histogram.bucket.empty() || !std::isinf(histogram.bucket.back().upper_bound)) {
    bucket(std::numeric_limits<double>::infinity(), histogram.sample_count);
  }
  begin_sample("_sum", labels);
  end_sample(histogram.sample_sum);
  begin_sample("_count", labels);
  end_sample(histogram.sample_count);
}

void Exposition::begin_sample(std::string_view suffix, Labels labels, const Label* last) {
  if (name_.empty()) throw std::logic_error("a sample without a metric family");
  text_ += header_;
  header_.clear();
  text_.append(name_).append(suffix);
  if (labels.empty() && last == nullptr) {
    text_ += ' ';
    return;
  }
  char before = '{';
  for (const auto& label : labels) {
    text_ += before;
    append_label(text_, label);
    before = ',';
  }
  if (last != nullptr) {
    text_ += before;
    append_label(text_, *last);
  }
  text_ += "} ";
}

void Exposition::end_sample(double value) {
  append_number(text_, value);
  text_ += '\n';
}

void Exposition::end_sample(std::uint64_t value) {
  append_number(text_, value);
  text_ += '\n';
}

void Exposition::end_sample(std::int64_t value) {
  append_number(text_, value);
  text_ += '\n';
}

}  // namespace upkeep
