#include <cmath>
#include <nlohmann/json.hpp>

#include "app/cli/simulate.h"

namespace upkeep::cli {
namespace {

using Json = nlohmann::ordered_json;
using simulation::PowerCutMoment;
using simulation::PowerCutResult;
using simulation::VmReturn;

/// To the millisecond: the rest is noise of the model.
double rounded(Seconds seconds) { return std::round(seconds.count() * 1000) / 1000; }

Json seconds_json(const std::optional<Seconds>& seconds) {
  return seconds ? Json(rounded(*seconds)) : Json();
}

Json said_json(const SimulateCommand& said) {
  return {{"nodes", said.nodes},
          {"vms", said.vms.size()},
          {"boot_seconds", said.boot_seconds},
          {"seed", said.seed},
          {"cores", said.hardware.cores},
          {"boot_cpu", said.hardware.boot_cpu},
          {"disk_knee", said.hardware.knee},
          {"disk_decay", said.hardware.decay},
          {"node_boot_seconds", said.node_boot_seconds},
          {"node_spread_seconds", said.node_spread_seconds},
          {"broken", said.broken},
          {"storage", said.drbd ? "drbd" : "local"}};
}

Json vm_json(const VmReturn& vm) {
  Json phases = Json::object();
  for (const std::string_view phase : kOutagePhases) {
    const auto took = vm.phases.find(phase);
    phases[std::string(phase)] = took == vm.phases.end() ? Json() : Json(rounded(took->second));
  }
  return {{"name", vm.name},
          {"node", vm.node},
          {"state", to_string(vm.state)},
          {"hold", vm.why.empty() ? Json() : Json(vm.why)},
          {"started_seconds", seconds_json(vm.started)},
          {"healthy_seconds", seconds_json(vm.healthy)},
          {"phases", phases}};
}

Json moment_json(const PowerCutMoment& at) {
  return {{"at_seconds", rounded(at.at)}, {"down", at.down},   {"booting", at.booting},
          {"healthy", at.healthy},        {"slots", at.slots}, {"io_full", at.io_full},
          {"cpu_some", at.cpu_some}};
}

Json bottleneck_json(const PowerCutResult& result) {
  Json seconds = Json::object();
  for (const auto& [what, took] : result.shares)
    seconds[std::string(to_string(what))] = rounded(took);
  return {{"name", to_string(result.bottleneck)},
          {"node", result.last_node},
          {"seconds", seconds},
          {"sentence", bottleneck_of(result)}};
}

}  // namespace

Json simulated_json(const Simulated& simulated) {
  const PowerCutResult& result = simulated.upkeep;
  Json json{{"options", said_json(simulated.said)}, {"total_seconds", seconds_json(result.total)}};
  if (simulated.serial) {
    json["serial"] = {{"total_seconds", rounded(simulated.serial->total)},
                      {"total_seconds_per_node", rounded(simulated.serial->total_per_node)},
                      {"cron_seconds", rounded(simulated.serial->cron)}};
  }
  Json& phases = json["phases"] = Json::object();
  for (const simulation::PhaseSpread& phase : simulation::spreads_of(result)) {
    phases[phase.name] = {{"median_seconds", rounded(phase.median)},
                          {"worst_seconds", rounded(phase.worst)}};
  }
  json["bottleneck"] = bottleneck_json(result);
  Json& timeline = json["timeline"] = Json::array();
  for (const PowerCutMoment& at : result.timeline) timeline.push_back(moment_json(at));
  Json& vms = json["vms"] = Json::array();
  for (const VmReturn& vm : result.vms) vms.push_back(vm_json(vm));
  return json;
}

}  // namespace upkeep::cli
