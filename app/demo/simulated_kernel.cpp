#include "app/demo/simulated_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace upkeep {
namespace {

// Figures that look like a small volume's; out-of-sync is KiB, as DRBD prints it.
constexpr unsigned kSizeKib = 8U * 1024 * 1024;
constexpr unsigned kOutOfSyncKib = 48U * 1024;

std::string connection_line(std::string_view verb, const ResourceName& name, std::string_view state,
                            std::string_view role) {
  return fmt::format(
      "{} connection name:{} peer-node-id:0 conn-name:peer connection:{} role:{} congested:no",
      verb, name.value, state, role);
}

struct PeerDevice {
  std::string_view replication, disk;
  unsigned out_of_sync_kib = 0;
};

std::string peer_device_line(std::string_view verb, const ResourceName& name,
                             const PeerDevice& peer) {
  return fmt::format(
      "{} peer-device name:{} peer-node-id:0 conn-name:peer volume:0 replication:{} peer-disk:{} "
      "resync-suspended:no received:0 sent:0 out-of-sync:{} pending:0 unacked:0",
      verb, name.value, peer.replication, peer.disk, peer.out_of_sync_kib);
}

std::unexpected<Error> no_such(const ResourceName& name) {
  return fail(Errc::not_found, fmt::format("no DRBD resource named '{}'", name.value));
}

}  // namespace

SimulatedKernel::SimulatedKernel(const std::vector<Resource>& resources) {
  for (const Resource& resource : resources) states_.push_back({.resource = resource});
}

const SimulatedKernel::State* SimulatedKernel::find(const ResourceName& name) const {
  const auto found = std::ranges::find_if(
      states_, [&](const State& state) { return state.resource.name == name; });
  return found == states_.end() ? nullptr : &*found;
}

SimulatedKernel::State* SimulatedKernel::find(const ResourceName& name) {
  const auto found = std::ranges::find_if(
      states_, [&](const State& state) { return state.resource.name == name; });
  return found == states_.end() ? nullptr : &*found;
}

SimulatedKernel::Lines SimulatedKernel::objects(std::string_view verb, const State& state) {
  const ResourceName& name = state.resource.name;
  const bool connected = state.link == Link::connected;
  const unsigned behind = state.peer_behind ? kOutOfSyncKib : 0;
  PeerDevice peer{.replication = "Off", .disk = "DUnknown", .out_of_sync_kib = behind};
  if (connected) peer.replication = state.resyncing ? "SyncSource" : "Established";
  if (connected) peer.disk = state.resyncing ? "Inconsistent" : "UpToDate";
  return {fmt::format("{} resource name:{} role:{} suspended:no write-ordering:flush", verb,
                      name.value, state.primary ? "Primary" : "Secondary"),
          fmt::format("{} device name:{} volume:0 minor:{} disk:UpToDate size:{} read:0 written:0 "
                      "al-writes:0 bm-writes:0 upper-pending:0 lower-pending:0 al-suspended:no "
                      "blocked:no",
                      verb, name.value, state.resource.minor.value, kSizeKib),
          connection_line(verb, name, connected ? "Connected" : "Connecting",
                          connected ? "Secondary" : "Unknown"),
          peer_device_line(verb, name, peer)};
}

SimulatedKernel::Lines SimulatedKernel::dump() const {
  Lines lines;
  for (const State& state : states_) {
    if (!state.up) continue;
    for (std::string& line : objects("exists", state)) lines.push_back(std::move(line));
  }
  lines.emplace_back("exists -");
  return lines;
}

Result<SimulatedKernel::Lines> SimulatedKernel::adjust(const ResourceName& name) {
  State* const state = find(name);
  if (state == nullptr) return no_such(name);
  if (state->up) return Lines{};
  state->up = true;
  state->primary = false;
  state->link = Link::connecting;
  return objects("create", *state);
}

SimulatedKernel::Lines SimulatedKernel::connected(const ResourceName& name) {
  State* const state = find(name);
  if (state == nullptr || !state->up || state->link != Link::connecting) return {};
  state->link = Link::connected;
  state->resyncing = state->peer_behind;
  Lines lines{connection_line("change", name, "Connected", "Secondary")};
  const bool resync = state->resyncing;
  lines.push_back(peer_device_line("change", name,
                                   {.replication = resync ? "SyncSource" : "Established",
                                    .disk = resync ? "Inconsistent" : "UpToDate",
                                    .out_of_sync_kib = resync ? kOutOfSyncKib : 0}));
  return lines;
}

SimulatedKernel::Lines SimulatedKernel::resynced(const ResourceName& name) {
  State* const state = find(name);
  if (state == nullptr || !state->resyncing) return {};
  state->resyncing = false;
  state->peer_behind = false;
  return {peer_device_line("change", name, {.replication = "Established", .disk = "UpToDate"})};
}

Result<SimulatedKernel::Lines> SimulatedKernel::promote(const ResourceName& name) {
  State* const state = find(name);
  if (state == nullptr || !state->up) return no_such(name);
  if (state->primary) return Lines{};
  state->primary = true;
  return Lines{fmt::format("change resource name:{} role:Primary", name.value)};
}

Result<SimulatedKernel::Lines> SimulatedKernel::demote(const ResourceName& name) {
  State* const state = find(name);
  if (state == nullptr || !state->up) return no_such(name);
  if (!state->primary) return Lines{};
  state->primary = false;
  return Lines{fmt::format("change resource name:{} role:Secondary", name.value)};
}

Result<SimulatedKernel::Lines> SimulatedKernel::cut_link(const ResourceName& name) {
  State* const state = find(name);
  if (state == nullptr) return no_such(name);
  if (!state->up || state->link != Link::connected) {
    return fail(Errc::conflict, fmt::format("{} is not connected", name.value));
  }
  state->link = Link::connecting;
  state->resyncing = false;
  state->peer_behind = state->peer_behind || state->primary;
  const unsigned behind = state->peer_behind ? kOutOfSyncKib : 0;
  return Lines{
      connection_line("change", name, "NetworkFailure", "Unknown"),
      peer_device_line("change", name,
                       {.replication = "Off", .disk = "DUnknown", .out_of_sync_kib = behind}),
      connection_line("change", name, "Connecting", "Unknown")};
}

void SimulatedKernel::power_cut() {
  for (State& state : states_) {
    // A crashed Primary resyncs what its activity log covers.
    state.peer_behind = state.peer_behind || (state.up && state.primary);
    state.up = false;
    state.primary = false;
    state.resyncing = false;
    state.link = Link::none;
  }
}

bool SimulatedKernel::is_up(const ResourceName& name) const {
  const State* const state = find(name);
  return state != nullptr && state->up;
}

bool SimulatedKernel::is_connecting(const ResourceName& name) const {
  const State* const state = find(name);
  return state != nullptr && state->up && state->link == Link::connecting;
}

bool SimulatedKernel::is_resyncing(const ResourceName& name) const {
  const State* const state = find(name);
  return state != nullptr && state->resyncing;
}

Result<DeviceMinor> SimulatedKernel::minor_of(const ResourceName& name) const {
  const State* const state = find(name);
  if (state == nullptr) return no_such(name);
  return state->resource.minor;
}

std::vector<ResourceName> SimulatedKernel::names() const {
  std::vector<ResourceName> names;
  names.reserve(states_.size());
  for (const State& state : states_) names.push_back(state.resource.name);
  return names;
}

}  // namespace upkeep
