#include "app/cli/metrics.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "app/cli/exit_code.h"
#include "app/cli/table.h"
#include "exporter/metrics/catalog.h"

namespace upkeep::cli {
namespace {

/// The part of docs/metrics.md between its two comments.
std::string markdown() {
  std::string text;
  for (const MetricSection& section : metric_catalog()) {
    text += fmt::format("\n## {}\n", section.title);
    if (!section.intro.empty()) text += fmt::format("\n{}\n", section.intro);
    text += "\n| metric | type | labels | meaning |\n|---|---|---|---|\n";
    for (const MetricFamily& family : section.families) {
      text += fmt::format("| `{}` | {} | {} | {}{}{} |\n", family.name, to_string(family.type),
                          family.labels, family.help, family.more.empty() ? "" : " ", family.more);
    }
  }
  return text + "\n";
}

nlohmann::json as_json() {
  auto metrics = nlohmann::json::array();
  for (const MetricSection& section : metric_catalog()) {
    for (const MetricFamily& family : section.families) {
      metrics.push_back({{"name", family.name},
                         {"type", to_string(family.type)},
                         {"labels", label_names(family)},
                         {"help", family.help},
                         {"section", section.title}});
    }
  }
  return {{"metrics", std::move(metrics)}};
}

std::string table(const Style& style) {
  Table rows({"METRIC", "TYPE", "LABELS", "MEANING"});
  for (const MetricSection& section : metric_catalog()) {
    for (const MetricFamily& family : section.families) {
      rows.add({{.text = std::string(family.name)},
                {.text = std::string(to_string(family.type))},
                {.text = std::string(family.labels)},
                {.text = std::string(family.help)}});
    }
  }
  return rows.text(style);
}

}  // namespace

int print_metrics(const MetricsCommand& command, bool json, Output& output) {
  if (command.markdown) {
    output.out << markdown();
  } else if (json) {
    output.out << as_json().dump(2) << '\n';
  } else {
    output.out << table(output.out_style);
  }
  return kOk;
}

}  // namespace upkeep::cli
