#include "app/cli/pause_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/config_values.h"
#include "remediation/gates/pause.h"

namespace upkeep::cli {
namespace {

constexpr const char* kTarget = "vm/NAME, resource/NAME, or just the name; none: the whole node";

std::string complaint_about(const std::string& text) {
  const auto lasts = parse_duration(text);
  if (!lasts) return lasts.error();
  return *lasts < std::chrono::seconds(1) ? fmt::format("'{}' is less than a second", text) : "";
}

}  // namespace

void PauseOptions::declare_pause(CLI::App& command) {
  command.add_option("TARGET", pause_.target, kTarget);
  CLI::Option* lasts = command.add_option(
      "--for", lasts_, fmt::format("How long, as 30m or 8h (else {} h)", kPauseLasts.count()));
  lasts->type_name("DURATION")->check(CLI::Validator(complaint_about, ""));
  command.add_flag("--forever", forever_, "Until somebody says `upkeep resume`")->excludes(lasts);
  command.add_option("--reason", pause_.reason, "For those who ask later")->type_name("TEXT");
}

void PauseOptions::declare_resume(CLI::App& command) {
  command.add_option("TARGET", resume_.target, kTarget);
}

void PauseOptions::declare_maintenance(CLI::App& command) {
  command.add_option("--reason", maintenance_.reason, "For those who ask later")->type_name("TEXT");
  command.add_flag("--end", maintenance_.end, "End it before the next boot");
}

PauseCommand PauseOptions::pause() const {
  PauseCommand said = pause_;
  if (forever_) return said;
  said.lasts = kPauseLasts;
  if (const auto lasts = parse_duration(lasts_); lasts) {
    said.lasts = std::chrono::ceil<std::chrono::seconds>(*lasts);
  }
  return said;
}

}  // namespace upkeep::cli
