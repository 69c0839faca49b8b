#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "app/cli/command_line.h"
#include "app/cli/pause_options.h"
#include "app/cli/resolve_options.h"
#include "app/cli/simulate_options.h"

namespace upkeep::cli {

/// All commands and options, and where their values go.
class Grammar {
 public:
  Grammar();

  std::expected<CommandLine, Stop> parse(std::span<const char* const> arguments);

 private:
  CLI::App& command(const char* name, const char* about, std::function<Command()> make) {
    return command(app_, name, about, std::move(make));
  }
  CLI::App& command(CLI::App& group, const char* name, const char* about,
                    std::function<Command()> make);
  [[nodiscard]] const CLI::App& chosen() const;
  void takes_daemon(CLI::App& command);
  void takes_json(CLI::App& command);
  void add_run();
  void add_reading();
  void add_orders();
  void add_words();
  void add_pauses();
  void add_drbd();
  void add_simulate();
  void add_metrics();
  [[nodiscard]] std::optional<Stop> unexpected_argument() const;

  CLI::App app_;
  std::map<const CLI::App*, std::function<Command()>> makers_;
  CommandLine line_;
  std::string config_, root_ = "/";
  RunCommand run_;
  WhyCommand why_;
  HistoryCommand history_;
  MarkCommand mark_;
  std::string keep_;
  ReleaseCommand release_;
  AllowDegradedCommand allow_degraded_;
  DeclareDeadCommand declare_dead_;
  PauseOptions pauses_;
  DemoCommand demo_;
  ResolveOptions resolve_;
  DrbdParseCommand drbd_parse_;
  SimulateOptions simulate_;
  MetricsCommand metrics_;
  bool cluster_ = false;
  bool version_ = false;
};

}  // namespace upkeep::cli
