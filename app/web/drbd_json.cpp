#include "app/web/json_parts.h"

namespace upkeep::web {
namespace {

/// A state word; "unknown" when the reading is too old to be shown as true.
template <class Kind>
Json word(const Stated<Kind>& state, bool current) {
  return current && !state.text.empty() ? state.text : "unknown";
}

template <class T>
Json figure(const std::optional<T>& value, bool current) {
  return current ? json_of(value) : Json();
}

Json device_json(const DrbdDevice& device, bool current) {
  return {{"volume", device.volume.value},
          {"minor", device.minor.value},
          {"disk", word(device.disk, current)},
          {"quorum", figure(device.quorum, current)},
          {"size_bytes", figure(device.size, current)},
          {"backing_device", json_or_null(device.backing_device)},
          {"crashed_primary", figure(device.crashed_primary, current)}};
}

Json peer_device_json(const DrbdPeerDevice& device, bool current) {
  return {{"volume", device.volume.value},
          {"replication", word(device.replication, current)},
          {"disk", word(device.peer_disk, current)},
          {"out_of_sync_bytes", figure(device.out_of_sync, current)},
          {"resync_suspended", current ? json_or_null(device.resync_suspended) : Json()},
          {"done_ratio", figure(device.resync_done_ratio, current)},
          {"bytes_per_second", figure(device.resync_bytes_per_second, current)},
          {"eta_seconds", figure(device.resync_eta, current)}};
}

Json peer_json(const DrbdPeer& peer, bool current) {
  Json devices = Json::array();
  for (const auto& device : peer.devices) devices.push_back(peer_device_json(device, current));
  Json loss;
  if (current && peer.loss) {
    loss = {{"cause", to_string(peer.loss->cause)},
            {"what", json_or_null(peer.loss->what)},
            {"at", peer.loss->at == WallTime{} ? Json() : json_of(peer.loss->at)}};
  }
  return {{"name", peer.name.value},
          {"connection", word(peer.connection, current)},
          {"role", word(peer.role, current)},
          {"loss", loss},
          {"devices", devices}};
}

Json resource_json(const ResourceReport& report, const Moment& moment, bool current) {
  const DrbdResource& resource = *report.resource;
  Json split_brain;
  if (const auto& seen = report.split_brain) {
    split_brain = {{"what", seen->what}, {"at", json_of(seen->at)}};
  }
  Json out{{"name", resource.name.value},
           {"in_kernel", current ? Json(resource.in_kernel) : Json()},
           {"configured", figure(resource.configured, current)},
           {"role", current && !resource.in_kernel ? Json() : word(resource.role, current)},
           {"suspended", current ? Json(resource.suspended) : Json()},
           {"may_promote", figure(resource.may_promote, current)},
           {"other_manager", json_or_null(resource.other_manager)},
           {"split_brain", split_brain}};
  put_target(out, report.target, moment.now);
  out["devices"] = Json::array();
  for (const auto& device : resource.devices) {
    out["devices"].push_back(device_json(device, current));
  }
  out["peers"] = Json::array();
  for (const auto& peer : resource.peers) out["peers"].push_back(peer_json(peer, current));
  return out;
}

}  // namespace

Json drbd_status(const Report& report, const Moment& moment) {
  if (!moment.snapshot->drbd_in_use) return {{"in_use", false}};
  const bool current = report.drbd_current;
  Json out{{"in_use", true},     {"known", current},   {"module_loaded", nullptr},
           {"version", nullptr}, {"simulated", false}, {"resources", nullptr}};
  if (report.drbd == nullptr) return out;
  if (current) out["module_loaded"] = report.drbd->module_loaded;
  out["version"] = json_or_null(report.drbd->kernel_version);
  out["simulated"] = report.drbd->simulated;
  out["resources"] = Json::array();
  for (const auto& resource : report.resources) {
    out["resources"].push_back(resource_json(resource, moment, current));
  }
  return out;
}

}  // namespace upkeep::web
