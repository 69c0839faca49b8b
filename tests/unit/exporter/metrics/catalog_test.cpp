#include "exporter/metrics/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <set>
#include <stdexcept>

#include "exporter/metrics/instrument_set.h"

namespace upkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <class Look>
void each_family(Look look) {
  int count = 0;
  for (const MetricSection& section : metric_catalog()) {
    for (const MetricFamily& family : section.families) {
      look(family);
      ++count;
    }
  }
  EXPECT_GE(count, 100);
}

TEST(MetricCatalog, HasEachNameOnce) {
  std::set<std::string_view> names;
  each_family([&](const MetricFamily& family) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
  });
}

TEST(MetricCatalog, NamesAsPrometheusWantsThem) {
  each_family([](const MetricFamily& family) {
    EXPECT_TRUE(family.name.starts_with("upkeep_") || family.name.starts_with("process_"))
        << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == MetricType::counter) << family.name;
    for (const auto& label : label_names(family)) {
      EXPECT_EQ(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos)
          << family.name << ": " << label;
    }
  });
}

TEST(MetricCatalog, SaysSentencesThatFitIntoATable) {
  each_family([](const MetricFamily& family) {
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
    EXPECT_TRUE(family.more.empty() || family.more.ends_with('.')) << family.name;
    for (const std::string_view text : {family.help, family.more}) {
      EXPECT_EQ(text.find_first_of("|\n"), std::string_view::npos) << family.name;
    }
  });
}

TEST(MetricCatalog, TakesLabelNamesApart) {
  EXPECT_THAT(label_names({.name = "a"}), IsEmpty());
  EXPECT_THAT(label_names({.name = "a", .labels = "vm"}), ElementsAre("vm"));
  EXPECT_THAT(label_names({.name = "a", .labels = "vm, to, cause"}),
              ElementsAre("vm", "to", "cause"));
}

TEST(MetricCatalog, LetsNoInstrumentBeAnotherTypeThanDocumented) {
  prometheus::Registry registry;
  prometheus::Registry another;
  EXPECT_NO_THROW((InstrumentSet<prometheus::Counter>{registry, "upkeep_vm_transitions_total"}));
  EXPECT_THROW((InstrumentSet<prometheus::Gauge>{another, "upkeep_vm_transitions_total"}),
               std::logic_error);
}

}  // namespace
}  // namespace upkeep
