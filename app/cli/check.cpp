#include "app/cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "app/cli/daemon_address.h"
#include "app/cli/exit_code.h"

namespace upkeep::cli {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

Colour colour_of(Grade grade) {
  switch (grade) {
    case Grade::ok: return Colour::good;
    case Grade::note: return Colour::none;
    case Grade::warning: return Colour::warning;
    case Grade::error: return Colour::bad;
  }
  return Colour::bad;
}

std::string_view meaning(Mode mode) {
  switch (mode) {
    case Mode::observe: return "looks and publishes, touches nothing";
    case Mode::dry_run: return "decides and records, touches nothing";
    case Mode::act: return "starts what should run";
  }
  return "";
}

nlohmann::json to_json(const CheckReport& report) {
  nlohmann::json lines = nlohmann::json::array();
  for (const CheckLine& line : report) {
    lines.push_back(
        {{"grade", to_string(line.grade)},
         {"topic", line.topic},
         {"text", line.text},
         {"fix", line.fix.empty() ? nlohmann::json(nullptr) : nlohmann::json(line.fix)}});
  }
  return {{"exit_code", exit_code_of(report)}, {"lines", std::move(lines)}};
}

/// A line for each error of a configuration.
void add_config_errors(std::string_view text, CheckReport& report) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    report.push_back({Grade::error, "config", std::string(text.substr(0, end)), ""});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::ok: return "ok";
    case Grade::note: return "note";
    case Grade::warning: return "warning";
    case Grade::error: return "error";
  }
  return "error";
}

void check_config(const Config& config, const std::optional<std::filesystem::path>& file,
                  CheckReport& report) {
  report.push_back(
      {Grade::ok, "config",
       fmt::format("{}: node {}, mode {} ({})",
                   file ? file->string() : "no configuration file, all defaults",
                   node_name(config).value, to_string(config.mode), meaning(config.mode)),
       ""});
}

int exit_code_of(const CheckReport& report) {
  Grade worst = Grade::ok;
  for (const CheckLine& line : report) worst = std::max(worst, line.grade);
  if (worst == Grade::error) return kUsage;
  return worst == Grade::warning ? kFailed : kOk;
}

std::string render_check(const CheckReport& report, const Style& style) {
  std::string text;
  for (const CheckLine& line : report) {
    text += painted(fmt::format("{:<8}", to_string(line.grade)), colour_of(line.grade), style);
    text += fmt::format(" {:<8} {}\n", line.topic, printable(line.text));
    if (!line.fix.empty()) {
      text += fmt::format("{:18}{}\n", "",
                          painted("fix: " + printable(line.fix), Colour::strong, style));
    }
  }
  return text;
}

int check(const CommandLine& line, Output& output) {
  CheckReport report;
  const std::optional<std::filesystem::path> file = config_file(line);
  const Result<Config> config = file ? load_config(*file) : Result<Config>(Config{});
  if (!config) {
    add_config_errors(config.error().message, report);
  } else {
    check_config(*config, file, report);
    check_journal(*config, report);
    check_token(*config, report);
    SystemLibvirtProbe libvirt(config->libvirt.uri, line.root, kPatience);
    check_libvirt(*config, libvirt, report);
    check_libvirt_guests(line.root, report);
    check_drbd(*config, line.root, report);
    check_peers(*config, report);
    check_managers(line.root, report);
  }
  if (line.json) {
    output.out << to_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
               << '\n';
  } else {
    output.out << render_check(report, output.out_style);
  }
  return exit_code_of(report);
}

}  // namespace upkeep::cli
