#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/vm.h"
#include "simulation/boot_load.h"

namespace upkeep::simulation {

/// A guest as libvirt on one node knows it.
struct Guest {
  VmName name;
  VmUuid uuid;
  std::optional<ResourceName> resource = {};  ///< Absent: its disk is local.
  std::optional<DeviceMinor> minor = {};
  bool shared = false;                       ///< Its disk is on storage that every node reaches.
  bool job = false;                          ///< libvirt is at work on it: it migrates away.
  Duration boot = std::chrono::seconds(30);  ///< How long its boot takes alone.
  bool boots_well = true;                    ///< False: it never answers its check.
  VmState state = VmState::shut_off;
  VmReason reason = VmReason::unknown;
  Tick started{};
  WallTime started_wall{};
  std::optional<Tick> verified = {};  ///< The first good answer of its check in this run.
};

/// One command with an effect, right before it.
struct Order {
  std::string_view verb;  ///< "start", "promote", "adjust", …
  std::string subject;    ///< A VM's UUID or a resource's name.
};

/// How a source behaves.
enum class Answer {
  right,
  fails,    ///< It says that it can't.
  hangs,    ///< It says nothing more.
  nothing,  ///< libvirt only: it lists no VM.
};

struct Answers {
  Answer libvirt = Answer::right, drbd = Answer::right, node = Answer::right;
};

/// What a node is made of, and how often its sources look. The defaults are upkeep's own.
struct NodeOptions {
  NodeName name;
  Hardware hardware;
  Duration boot = std::chrono::seconds(20);  ///< From the kernel's begin until upkeep runs.
  Duration vms_every = std::chrono::seconds(1);
  Duration drbd_every = std::chrono::seconds(2);
  Duration node_every = std::chrono::seconds(5);
  // Of the loop; events wake it from any.
  Duration shortest_sleep = std::chrono::milliseconds(5);
  Duration longest_sleep = std::chrono::seconds(1);
};

}  // namespace upkeep::simulation
