#pragma once

#include <nlohmann/json_fwd.hpp>

#include "app/cli/commands.h"
#include "simulation/power_cut.h"

namespace upkeep::cli {

/// What is to be simulated, with the policy of `--config`, else with the defaults. Fails when the
/// configuration is wrong.
[[nodiscard]] Result<simulation::PowerCutOptions> power_cut_of(const CommandLine& line,
                                                               const SimulateCommand& command);

/// A simulated power cut, and what it is compared with.
struct Simulated {
  SimulateCommand said;
  simulation::PowerCutResult upkeep;
  std::optional<simulation::SerialResult> serial;
};
/// The JSON of `upkeep simulate --json`; docs/cli.md describes it.
[[nodiscard]] nlohmann::ordered_json simulated_json(const Simulated& simulated);
[[nodiscard]] std::string render_simulated(const Simulated& simulated, const Style& style);
/// One sentence about what took most of the time.
[[nodiscard]] std::string bottleneck_of(const simulation::PowerCutResult& result);

/// `upkeep simulate`
[[nodiscard]] int simulate(const CommandLine& line, const SimulateCommand& command, Output& output);

}  // namespace upkeep::cli
