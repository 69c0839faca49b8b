#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/snapshot.h"

namespace upkeep::example {

inline constexpr Tick kNow = Tick{} + std::chrono::hours(100);

/// 2026-03-01T03:12:44.125Z.
inline const WallTime kWall{std::chrono::milliseconds(1772334764125)};

[[nodiscard]] inline Vm running(std::string name, std::string uuid) {
  return {.name = {std::move(name)},
          .uuid = {std::move(uuid)},
          .state = VmState::running,
          .reason = VmReason::booted};
}

[[nodiscard]] inline Vms vms() {
  Vm web = running("web1", "11111111-1111-1111-1111-111111111111");
  web.autostart = false;
  web.monitor_blocked = std::chrono::seconds(61);
  web.last_start = kWall - std::chrono::milliseconds(1125);
  web.disks = {{.target = {"vda"}, .source = "/dev/drbd0", .attached = true},
               {.target = {"vdb"}, .source = "/srv/b.img", .attached = false}};
  Vm off{.name = {"db1"},
         .uuid = {"22222222-2222-2222-2222-222222222222"},
         .state = VmState::shut_off,
         .reason = VmReason::crashed,
         .autostart = true};
  off.disks = {{.target = {"vda"}, .source = "/srv/db.img"}};
  Vm io{.name = {"io \"1\""},
        .uuid = {"33333333-3333-3333-3333-333333333333"},
        .state = VmState::paused,
        .reason = VmReason::io_error};
  io.monitor_blocked = std::chrono::seconds(60);
  io.disks = {{.target = {"sda"}, .attached = true, .error = "no space"},
              {.target = {"sdb"}, .attached = true}};
  Vm odd{.name = {"odd"}, .uuid = {"44444444-4444-4444-4444-444444444444"}};
  return {off, io, odd, web};
}

[[nodiscard]] inline DrbdResource resource() {
  DrbdResource r0{.name = {"r0"}, .in_kernel = true, .configured = true};
  r0.role = stated(kDrbdRoles, "Primary");
  r0.suspended = "quorum,frozen-by-moon";
  r0.devices = {{.volume = {0},
                 .minor = {7},
                 .disk = stated(kDrbdDisks, "UpToDate"),
                 .client = false,
                 .quorum = true,
                 .read = kibibytes(3),
                 .written = Bytes{12345678901234567U}}};
  DrbdPeer node2{.name = {"node2"},
                 .connection = stated(kDrbdConnections, "Connected"),
                 .role = stated(kDrbdRoles, "Secondary")};
  node2.devices = {{.volume = {0},
                    .replication = stated(kDrbdReplications, "SyncSource"),
                    .peer_disk = stated(kDrbdDisks, "Melted"),
                    .out_of_sync = kibibytes(4),
                    .sent = Bytes{10},
                    .resync_done_ratio = 0.97,
                    .resync_bytes_per_second = 1536.5,
                    .resync_eta = Seconds(12.5)}};
  DrbdPeer node3{.name = {"node3"}, .connection = stated(kDrbdConnections, "StandAlone")};
  node3.loss = LinkLoss{.cause = LinkLossCause::split_brain};
  r0.peers = {node2, node3};
  r0.split_brain = SplitBrainEvidence{.what = "helper split-brain"};
  return r0;
}

[[nodiscard]] inline Drbd drbd() {
  DrbdResource down{.name = {"r1"}, .in_kernel = false, .configured = true};
  return {.module_loaded = true,
          .kernel_version = "9.1.7",
          .utils_version = "9.22.0",
          .resources = {resource(), down}};
}

template <class T>
[[nodiscard]] Observed<std::shared_ptr<const T>> read_at(Tick at, T value) {
  return {std::make_shared<const T>(std::move(value)), at};
}

/// Everything was read half a second ago.
[[nodiscard]] inline Snapshot snapshot() {
  const Tick at = kNow - std::chrono::milliseconds(500);
  Snapshot all;
  all.generation = 5;
  all.at = kNow;
  all.wall = kWall;
  all.vms = read_at(at, vms());
  all.drbd = read_at(at, drbd());
  Node node;
  node.boot_id = {"b007"};
  node.boot_time = WallTime(std::chrono::seconds(1772334590));
  all.node = {node, at};
  Peer up{.name = {"node2"}};
  up.facts = {PeerFacts{.boot_time = WallTime(std::chrono::seconds(1772000000))}, at};
  Peer silent = up;
  silent.name = {"node3"};
  silent.error = Error{Errc::timed_out, "no answer in time"};
  all.peers = {up, silent};
  return all;
}

/// The value of the series in an exposition, as text; nothing when the series is absent.
[[nodiscard]] inline std::optional<std::string> value(const std::string& text,
                                                      std::string_view series) {
  const std::string start = "\n" + std::string(series) + " ";
  const std::string all = "\n" + text;
  const auto at = all.find(start);
  if (at == std::string::npos) return std::nullopt;
  const auto begin = at + start.size();
  return all.substr(begin, all.find('\n', begin) - begin);
}

/// How many lines begin so.
[[nodiscard]] inline int count(const std::string& text, std::string_view beginning) {
  const std::string start = "\n" + std::string(beginning);
  const std::string all = "\n" + text;
  int found = 0;
  for (auto at = all.find(start); at != std::string::npos; at = all.find(start, at + 1)) ++found;
  return found;
}

}  // namespace upkeep::example
