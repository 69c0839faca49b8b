#include "exporter/metrics/exposition.h"

#include <gtest/gtest.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include <limits>
#include <stdexcept>

namespace upkeep {
namespace {

TEST(Exposition, WritesHelpAndTypeOnceAndThenTheSamples) {
  Exposition out;
  out.family({.name = "upkeep_vm_up", .type = MetricType::gauge, .help = "Whether\nit runs."});
  out.sample({{"vm", "web1"}}, 1);
  out.sample({{"vm", "say \"hi\""}}, 0);
  out.family({.name = "upkeep_reads_total", .type = MetricType::counter, .help = "Reads."});
  out.sample({}, std::uint64_t{3});
  EXPECT_EQ(out.text(),
            "# HELP upkeep_vm_up Whether\\nit runs.\n"
            "# TYPE upkeep_vm_up gauge\n"
            "upkeep_vm_up{vm=\"web1\"} 1\n"
            "upkeep_vm_up{vm=\"say \\\"hi\\\"\"} 0\n"
            "# HELP upkeep_reads_total Reads.\n"
            "# TYPE upkeep_reads_total counter\n"
            "upkeep_reads_total 3\n");
}

TEST(Exposition, LeavesNothingOfAFamilyWithoutSamples) {
  Exposition out;
  out.family({.name = "upkeep_a", .type = MetricType::gauge, .help = "A."});
  out.family({.name = "upkeep_b", .type = MetricType::gauge, .help = "B."});
  out.sample({{"x", "1"}, {"y", "2"}}, 0.5);
  EXPECT_EQ(out.text(),
            "# HELP upkeep_b B.\n# TYPE upkeep_b gauge\nupkeep_b{x=\"1\",y=\"2\"} 0.5\n");
}

TEST(Exposition, RefusesAFamilyInTwoPieces) {
  Exposition out;
  out.family({.name = "upkeep_a", .type = MetricType::gauge, .help = "A."});
  out.sample({}, 1);
  out.family({.name = "upkeep_b", .type = MetricType::gauge, .help = "B."});
  EXPECT_THROW(out.family({.name = "upkeep_a", .type = MetricType::gauge, .help = "A."}),
               std::logic_error);
}

TEST(Exposition, RefusesASampleWithoutAFamily) {
  Exposition out;
  EXPECT_THROW(out.sample({}, 1), std::logic_error);
}

TEST(Exposition, RefusesAFamilyThatARegistryRepeats) {
  prometheus::Registry registry;
  prometheus::BuildCounter().Name("upkeep_a").Help("A.").Register(registry).Add({});
  Exposition out;
  out.family({.name = "upkeep_a", .type = MetricType::counter, .help = "A."});
  EXPECT_THROW(out.add(registry.Collect()), std::logic_error);
}

TEST(Exposition, WritesWhatARegistryCollectedSortedByLabels) {
  prometheus::Registry registry;
  auto& family = prometheus::BuildCounter().Name("upkeep_x_total").Help("X\ny.").Register(registry);
  family.Add({{"vm", "b"}}).Increment(2);
  family.Add({{"vm", "a"}}).Increment(0.1 + 0.2);
  family.Add({{"vm", "c"}});
  prometheus::BuildGauge()
      .Name("upkeep_g")
      .Help("G.")
      .Register(registry)
      .Add({})
      .Set(std::numeric_limits<double>::quiet_NaN());
  Exposition out;
  out.add(registry.Collect());
  EXPECT_EQ(out.text(),
            "# HELP upkeep_x_total X\\ny.\n"
            "# TYPE upkeep_x_total counter\n"
            "upkeep_x_total{vm=\"a\"} 0.30000000000000004\n"
            "upkeep_x_total{vm=\"b\"} 2\n"
            "upkeep_x_total{vm=\"c\"} 0\n"
            "# HELP upkeep_g G.\n"
            "# TYPE upkeep_g gauge\n"
            "upkeep_g NaN\n");
}

TEST(Exposition, WritesHistogramsWithCumulativeBuckets) {
  prometheus::Registry registry;
  auto& histogram = prometheus::BuildHistogram()
                        .Name("upkeep_d_seconds")
                        .Help("D.")
                        .Register(registry)
                        .Add({{"kind", "vm"}}, prometheus::Histogram::BucketBoundaries{0.5, 1, 10});
  histogram.Observe(0.25);
  histogram.Observe(1);  // On the bound: belongs to le="1".
  histogram.Observe(4.25);
  histogram.Observe(100);
  Exposition out;
  out.add(registry.Collect());
  EXPECT_EQ(out.text(),
            "# HELP upkeep_d_seconds D.\n"
            "# TYPE upkeep_d_seconds histogram\n"
            "upkeep_d_seconds_bucket{kind=\"vm\",le=\"0.5\"} 1\n"
            "upkeep_d_seconds_bucket{kind=\"vm\",le=\"1\"} 2\n"
            "upkeep_d_seconds_bucket{kind=\"vm\",le=\"10\"} 3\n"
            "upkeep_d_seconds_bucket{kind=\"vm\",le=\"+Inf\"} 4\n"
            "upkeep_d_seconds_sum{kind=\"vm\"} 105.5\n"
            "upkeep_d_seconds_count{kind=\"vm\"} 4\n");
}

TEST(Exposition, AddsTheInfiniteBucketThatIsMissing) {
  prometheus::MetricFamily family{
      .name = "upkeep_d", .help = "D.", .type = prometheus::MetricType::Histogram, .metric = {}};
  prometheus::ClientMetric metric;
  metric.histogram.sample_count = 7;
  metric.histogram.sample_sum = 3.5;
  metric.histogram.bucket = {{.cumulative_count = 2, .upper_bound = 1}};
  family.metric.push_back(metric);
  Exposition out;
  out.add({family});
  EXPECT_EQ(out.text(),
            "# HELP upkeep_d D.\n# TYPE upkeep_d histogram\n"
            "upkeep_d_bucket{le=\"1\"} 2\nupkeep_d_bucket{le=\"+Inf\"} 7\n"
            "upkeep_d_sum 3.5\nupkeep_d_count 7\n");
}

TEST(Exposition, RefusesSummaries) {
  prometheus::Registry registry;
  prometheus::BuildSummary()
      .Name("upkeep_s")
      .Help("S.")
      .Register(registry)
      .Add({}, prometheus::Summary::Quantiles{});
  Exposition out;
  EXPECT_THROW(out.add(registry.Collect()), std::logic_error);
}

}  // namespace
}  // namespace upkeep
