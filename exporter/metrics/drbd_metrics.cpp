#include "exporter/metrics/drbd_metrics.h"

#include <algorithm>
#include <optional>
#include <string>

namespace upkeep {
namespace {

constexpr std::string_view kUnknown = "unknown";

std::string device_name(const DrbdDevice& device) {
  return "drbd" + std::to_string(device.minor.value);
}

/// One series a known word plus "unknown", and one more when DRBD says a word nobody knew: exactly
/// one of them is 1.
template <class Kind, std::size_t N>
void state_set(Exposition& out, std::vector<Label> labels, std::string_view name,
               const std::array<DrbdWord<Kind>, N>& words, std::string_view now) {
  if (now.empty()) now = kUnknown;
  bool listed = now == kUnknown;
  labels.push_back({name, {}});
  for (const auto& [kind, word] : words) {
    labels.back().value = word;
    out.sample(Labels(labels), word == now ? 1 : 0);
    listed = listed || word == now;
  }
  labels.back().value = kUnknown;
  out.sample(Labels(labels), now == kUnknown ? 1 : 0);
  if (listed) return;
  labels.back().value = now;
  out.sample(Labels(labels), 1);
}

/// Calls `visit(labels, resource)` for each resource the kernel knows.
template <class Visit>
void each_resource(const Drbd& drbd, Visit visit) {
  for (const auto& resource : drbd.resources) {
    if (resource.in_kernel) {
      visit(std::vector<Label>{{"resource", resource.name.value}}, resource);
    }
  }
}

template <class Visit>
void each_device(const Drbd& drbd, Visit visit) {
  for (const auto& resource : drbd.resources) {
    for (const auto& device : resource.devices) {
      const std::string volume = std::to_string(device.volume.value);
      const std::string name = device_name(device);
      visit(
          std::vector<Label>{
              {"resource", resource.name.value}, {"volume", volume}, {"device", name}},
          device);
    }
  }
}

template <class Visit>
void each_peer(const Drbd& drbd, Visit visit) {
  for (const auto& resource : drbd.resources) {
    for (const auto& peer : resource.peers) {
      visit(std::vector<Label>{{"resource", resource.name.value}, {"peer", peer.name.value}}, peer);
    }
  }
}

template <class Visit>
void each_peer_device(const Drbd& drbd, Visit visit) {
  for (const auto& resource : drbd.resources) {
    for (const auto& peer : resource.peers) {
      for (const auto& device : peer.devices) {
        const std::string volume = std::to_string(device.volume.value);
        visit(
            std::vector<Label>{
                {"resource", resource.name.value}, {"peer", peer.name.value}, {"volume", volume}},
            device);
      }
    }
  }
}

void write_states(Exposition& out, const Drbd& drbd, bool current) {
  const auto word = [&](const auto& state) -> std::string_view {
    return current ? std::string_view(state.text) : kUnknown;
  };
  out.family("upkeep_drbd_resource_role");
  each_resource(drbd, [&](auto labels, const DrbdResource& resource) {
    state_set(out, std::move(labels), "role", kDrbdRoles, word(resource.role));
  });
  out.family("upkeep_drbd_device_state");
  each_device(drbd, [&](auto labels, const DrbdDevice& device) {
    state_set(out, std::move(labels), "state", kDrbdDisks, word(device.disk));
  });
  out.family("upkeep_drbd_connection_state");
  each_peer(drbd, [&](auto labels, const DrbdPeer& peer) {
    state_set(out, std::move(labels), "state", kDrbdConnections, word(peer.connection));
  });
  out.family("upkeep_drbd_peer_device_state");
  each_peer_device(drbd, [&](auto labels, const DrbdPeerDevice& device) {
    state_set(out, std::move(labels), "state", kDrbdDisks, word(device.peer_disk));
  });
  out.family("upkeep_drbd_replication_state");
  each_peer_device(drbd, [&](auto labels, const DrbdPeerDevice& device) {
    state_set(out, std::move(labels), "state", kDrbdReplications, word(device.replication));
  });
}

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (list.substr(0, comma) == word) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

void write_suspended(Exposition& out, const Drbd& drbd) {
  constexpr std::array<std::string_view, 4> kReasons{"user", "no-data", "fencing", "quorum"};
  out.family("upkeep_drbd_suspended");
  each_resource(drbd, [&](auto labels, const DrbdResource& resource) {
    labels.push_back({"reason", {}});
    for (const auto reason : kReasons) {
      labels.back().value = reason;
      out.sample(Labels(labels), has_word(resource.suspended, reason) ? 1 : 0);
    }
    // Reasons a newer DRBD may name.
    std::string_view rest = resource.suspended;
    while (!rest.empty()) {
      const std::string_view reason = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), reason.size() + 1));
      if (reason.empty() || reason == "no" || std::ranges::find(kReasons, reason) != kReasons.end())
        continue;
      labels.back().value = reason;
      out.sample(Labels(labels), 1);
    }
  });
}

void write_resources(Exposition& out, const Drbd& drbd) {
  out.family("upkeep_drbd_resource_configured");
  for (const auto& resource : drbd.resources) {
    if (!resource.configured) continue;
    out.sample({{"resource", resource.name.value}}, *resource.configured ? 1 : 0);
  }
  write_suspended(out, drbd);
}

/// A family of what a device or peer device may report; `value` returns a number or nothing.
template <class Each, class Value>
void figures(Exposition& out, const Drbd& drbd, Each each, Value value) {
  each(drbd, [&](const std::vector<Label>& labels, const auto& object) {
    if (const auto number = value(object)) out.sample(Labels(labels), *number);
  });
}

std::optional<std::uint64_t> count(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional(bytes->count) : std::nullopt;
}

void write_devices(Exposition& out, const Drbd& drbd) {
  const auto each = [](const Drbd& all, auto visit) { each_device(all, visit); };
  out.family("upkeep_drbd_device_quorum");
  figures(out, drbd, each, [](const DrbdDevice& device) {
    return device.quorum ? std::optional(*device.quorum ? 1 : 0) : std::nullopt;
  });
  out.family("upkeep_drbd_device_client");
  figures(out, drbd, each, [](const DrbdDevice& device) {
    return device.client ? std::optional(*device.client ? 1 : 0) : std::nullopt;
  });
  out.family("upkeep_drbd_device_read_bytes_total");
  figures(out, drbd, each, [](const DrbdDevice& device) { return count(device.read); });
  out.family("upkeep_drbd_device_written_bytes_total");
  figures(out, drbd, each, [](const DrbdDevice& device) { return count(device.written); });
}

void write_peers(Exposition& out, const Drbd& drbd) {
  out.family("upkeep_drbd_connected");
  each_peer(drbd, [&](const auto& labels, const DrbdPeer& peer) {
    if (peer.connection.text.empty()) return;
    out.sample(Labels(labels), peer.connection == DrbdConnection::connected ? 1 : 0);
  });
  out.family("upkeep_drbd_link_loss_info");
  each_peer(drbd, [&](auto labels, const DrbdPeer& peer) {
    if (!peer.loss) return;
    labels.push_back({"cause", to_string(peer.loss->cause)});
    out.sample(Labels(labels), 1);
  });
}

void write_peer_devices(Exposition& out, const Drbd& drbd) {
  const auto each = [](const Drbd& all, auto visit) { each_peer_device(all, visit); };
  out.family("upkeep_drbd_out_of_sync_bytes");
  figures(out, drbd, each, [](const DrbdPeerDevice& device) { return count(device.out_of_sync); });
  out.family("upkeep_drbd_resync_done_ratio");
  figures(out, drbd, each, [](const DrbdPeerDevice& device) { return device.resync_done_ratio; });
  out.family("upkeep_drbd_resync_speed_bytes");
  figures(out, drbd, each,
          [](const DrbdPeerDevice& device) { return device.resync_bytes_per_second; });
  out.family("upkeep_drbd_resync_eta_seconds");
  figures(out, drbd, each, [](const DrbdPeerDevice& device) {
    return device.resync_eta ? std::optional(device.resync_eta->count()) : std::nullopt;
  });
  out.family("upkeep_drbd_peer_sent_bytes_total");
  figures(out, drbd, each, [](const DrbdPeerDevice& device) { return count(device.sent); });
  out.family("upkeep_drbd_peer_received_bytes_total");
  figures(out, drbd, each, [](const DrbdPeerDevice& device) { return count(device.received); });
}

}  // namespace

void write_drbd(Exposition& out, const Drbd& drbd, bool current) {
  write_states(out, drbd, current);
  if (!current) return;
  out.family("upkeep_drbd_kernel_info");
  if (drbd.module_loaded) {
    // A demo's pair must not look like a kernel's, on a dashboard neither.
    out.sample({{"version", drbd.kernel_version + (drbd.simulated ? " (simulated)" : "")}}, 1);
  }
  out.family("upkeep_drbd_kernel_log_known");
  if (drbd.module_loaded) out.sample({}, drbd.kernel_log_problem.empty() ? 1 : 0);
  out.family("upkeep_drbd_utils_info");
  if (!drbd.utils_version.empty()) out.sample({{"version", drbd.utils_version}}, 1);
  write_resources(out, drbd);
  write_devices(out, drbd);
  write_peers(out, drbd);
  write_peer_devices(out, drbd);
}

}  // namespace upkeep
