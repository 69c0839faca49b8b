#include "app/cli/simulate.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "app/cli/exit_code.h"
#include "app/config.h"

namespace upkeep::cli {
namespace {

using simulation::PowerCutOptions;

Duration to_duration(double seconds) {
  return std::chrono::duration_cast<Duration>(Seconds(seconds));
}

}  // namespace

Result<PowerCutOptions> power_cut_of(const CommandLine& line, const SimulateCommand& command) {
  PowerCutOptions options;
  if (line.config) {
    const Result<Config> config = load_config(*line.config);
    if (!config) return std::unexpected(config.error());
    options.policy = to_policy(*config);
  } else if (command.agent) {
    VmPolicy every;
    every.health.kind = HealthCheck::Kind::agent;
    options.policy.vms.push_back(every);
  }
  options.nodes = command.nodes;
  options.vms = command.vms;
  options.boot = to_duration(command.boot_seconds);
  options.broken = command.broken;
  options.drbd = command.drbd;
  options.node_boot = to_duration(command.node_boot_seconds);
  options.node_spread = to_duration(command.node_spread_seconds);
  options.seed = command.seed;
  options.hardware = command.hardware;
  return options;
}

int simulate(const CommandLine& line, const SimulateCommand& command, Output& output) {
  const auto options = power_cut_of(line, command);
  if (!options) {
    output.err << painted(options.error().message, Colour::bad, output.err_style) << '\n';
    return kUsage;
  }
  Simulated simulated{.said = command, .upkeep = cut_power(*options), .serial = std::nullopt};
  if (command.serial) {
    simulated.serial = start_serially(*options, to_duration(command.cron_seconds));
  }
  if (line.json) {
    output.out << simulated_json(simulated).dump(2) << '\n';
  } else {
    output.out << render_simulated(simulated, output.out_style);
  }
  return kOk;
}

}  // namespace upkeep::cli
