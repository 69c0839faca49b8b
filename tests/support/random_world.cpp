#include "tests/support/random_world.h"

#include <algorithm>
#include <memory>
#include <string>

namespace upkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

VmDisk random_disk(Random& random, const std::string& target) {
  VmDisk disk;
  disk.target = {target};
  disk.source = "/dev/" + target;
  disk.in_definition = random.percent(94);
  disk.optional_at_start = random.percent(20);
  const std::size_t kind = random.below(100);
  if (kind < 50) {
    disk.backing = DiskBacking::drbd;
    disk.drbd.push_back({static_cast<std::uint32_t>(random.below(5))});
    if (random.percent(10)) disk.drbd.push_back({static_cast<std::uint32_t>(random.below(5))});
    if (random.percent(3)) disk.drbd.clear();
  } else if (kind < 82) {
    disk.backing = DiskBacking::local;
  } else if (kind < 92) {
    disk.backing = DiskBacking::shared;
  } else {
    disk.backing = random.pick({DiskBacking::missing, DiskBacking::unknown});
  }
  return disk;
}

Vm random_vm(Random& random, const std::string& name) {
  Vm vm = a_vm(name);
  vm.disks.clear();
  const std::size_t state = random.below(100);
  if (state < 68) {
    vm.state = VmState::shut_off;
    vm.reason = random.pick({VmReason::crashed, VmReason::unknown, VmReason::failed,
                             VmReason::destroyed, VmReason::shutdown});
  } else if (state < 78) {
    vm.state = VmState::crashed;
    vm.reason = VmReason::panicked;
  } else {
    vm.state = random.pick({VmState::running, VmState::running, VmState::paused,
                            VmState::shutting_down, VmState::suspended, VmState::unknown});
    if (vm.state == VmState::paused && random.percent(80)) vm.reason = VmReason::io_error;
  }
  vm.persistent = random.percent(96);
  vm.definition_known = random.percent(96);
  if (random.percent(30)) vm.job_active = random.percent(20);
  if (random.percent(6)) vm.other_manager = "nova";
  const std::size_t disks = random.below(3);
  for (std::size_t i = 0; i < disks; ++i) {
    vm.disks.push_back(random_disk(random, "vd" + std::string(1, static_cast<char>('a' + i))));
  }
  if (random.percent(30)) {
    vm.networks.push_back({.name = "net0", .is_bridge = random.percent(50), .present = true});
    if (random.percent(20)) vm.networks.back().present = false;
    if (random.percent(20)) vm.networks.back().present.reset();
  }
  return vm;
}

DrbdResource random_resource(Random& random, std::uint32_t minor) {
  const std::string name = "r" + std::to_string(minor);
  if (random.percent(12)) {
    ResourceBuilder down = a_resource(name, minor).down();
    if (random.percent(15)) down.managed_by("linstor");
    DrbdResource resource = down;
    if (random.percent(15)) resource.configured.reset();
    return resource;
  }
  ResourceBuilder builder = a_resource(name, minor);
  if (random.percent(30)) builder.role(DrbdRole::primary);
  if (random.percent(5)) builder.role(DrbdRole::unknown);
  if (random.percent(25)) {
    builder.disk(random.pick({DrbdDisk::inconsistent, DrbdDisk::outdated, DrbdDisk::diskless,
                              DrbdDisk::failed, DrbdDisk::consistent, DrbdDisk::attaching}));
  }
  if (random.percent(10)) builder.client();
  if (random.percent(15)) {
    builder.peer_disk(
        random.pick({DrbdDisk::up_to_date, DrbdDisk::inconsistent, DrbdDisk::diskless}),
        random.pick({DrbdReplication::sync_target, DrbdReplication::sync_source,
                     DrbdReplication::paused_sync_t, DrbdReplication::off}));
  }
  if (random.percent(30)) {
    builder.peer(random.pick({DrbdConnection::connecting, DrbdConnection::stand_alone,
                              DrbdConnection::network_failure, DrbdConnection::unconnected}),
                 DrbdRole::unknown);
  } else if (random.percent(10)) {
    builder.peer(DrbdConnection::connected, random.pick({DrbdRole::primary, DrbdRole::unknown}));
  }
  if (random.percent(15)) {
    builder.second_peer("node3",
                        random.pick({DrbdConnection::connected, DrbdConnection::connecting}),
                        random.pick({DrbdRole::secondary, DrbdRole::secondary, DrbdRole::primary,
                                     DrbdRole::unknown}));
  }
  if (random.percent(3)) builder.no_peers();
  if (random.percent(25)) {
    builder.quorum(random.percent(75), random.percent(80), random.percent(80));
  }
  if (random.percent(4)) builder.suspended("quorum");
  if (random.percent(4)) builder.split_brain("helper split-brain");
  if (random.percent(5)) builder.managed_by("ganeti");
  DrbdResource resource = builder;
  if (random.percent(15)) resource.quorum_configured.reset();
  if (random.percent(70)) resource.after_sb_all_disconnect = random.percent(80);
  for (DrbdPeer& peer : resource.peers) {
    if (peer.connection != DrbdConnection::stand_alone || !random.percent(30)) continue;
    peer.loss =
        LinkLoss{.cause = random.pick({LinkLossCause::disconnected_by_operator,
                                       LinkLossCause::role_conflict, LinkLossCause::unknown}),
                 .what = "as logged"};
  }
  if (random.percent(80)) resource.devices.front().crashed_primary = random.percent(75);
  if (random.percent(60)) resource.devices.front().client = random.percent(10);
  if (resource.peers.size() > 1 && random.percent(40)) {
    resource.peers.back().devices.front().peer_client = random.percent(80);
  }
  if (random.percent(3)) resource.devices.front().disk = stated(kDrbdDisks, "Novel");
  return resource;
}

TargetHistory random_tries(Random& random, Tick now) {
  TargetHistory tried;
  const std::size_t attempts = random.below(7);
  for (std::size_t i = 0; i < attempts; ++i) {
    tried.attempts.push_back(now - random.seconds(random.pick<std::size_t>({20, 400, 4000})));
  }
  std::ranges::sort(tried.attempts);
  tried.in_row = static_cast<int>(attempts + random.below(3));
  if (random.percent(70)) {
    tried.last_end = now - random.seconds(random.pick<std::size_t>({20, 400, 4000}));
    tried.last_outcome =
        Outcome{.kind = random.pick({Outcome::Kind::failed, Outcome::Kind::failed,
                                     Outcome::Kind::succeeded, Outcome::Kind::refused,
                                     Outcome::Kind::conflict, Outcome::Kind::ineffective}),
                .reason = "failed",
                .detail = ""};
  }
  for (const char* action : {"reconnect_resource", "attach_device"}) {
    if (!random.percent(25)) continue;
    for (std::size_t i = 0; i < 1 + random.below(3); ++i) {
      tried.tries[action].at.push_back(now - random.seconds(3000));
    }
    std::ranges::sort(tried.tries[action].at);
  }
  if (random.percent(10)) tried.in_flight = 1;
  tried.stuck = random.percent(6);
  if (random.percent(15)) tried.latched_since = now - random.seconds(4000);
  if (random.percent(25)) tried.unblocked = now - random.seconds(4000);
  if (random.percent(10)) {  // Given up on, and what stood in its way went before or after that.
    const Tick last = now - random.seconds(2400);
    tried = {
        .attempts = {last},
        .in_row = 1,
        .last_end = last,
        .last_outcome = Outcome{.kind = Outcome::Kind::failed, .reason = "failed", .detail = ""},
        .in_flight = std::nullopt,
        .stuck = false,
        .latched_since = last,
        .healthy_since = std::nullopt,
        .is_blocked = false,
        .unblocked = now - random.seconds(2400),
        .unsent_in_row = 0,
        .tries = {}};
  }
  return tried;
}

void draw_history_of(Random& random, TestWorld& world, const std::string& rule,
                     const Target& target) {
  if (random.percent(92)) {
    OpenProblem& problem = world.history.problems[{rule, target}];
    problem.observations = static_cast<int>(random.pick<std::size_t>({0, 1, 2, 2, 3, 9}));
    problem.definite = random.percent(30);
    problem.trigger = random.pick({Trigger::event, Trigger::poll, Trigger::webhook});
    problem.since = world.now - random.seconds(120);
  }
  if (random.percent(15)) {
    world.history.asked_by_alert[{rule, target}] = world.now - random.seconds(60);
  }
  if (random.percent(45)) world.tried(target) = random_tries(random, world.now);
}

void draw_vm(Random& random, TestWorld& world, const std::string& name) {
  world.with(random_vm(random, name));
  draw_history_of(random, world, "vm_down", vm_target(name));
  world.history.problems[{"vm_paused_io", vm_target(name)}].observations = 2;
  world.history.problems[{"vm_unresponsive", vm_target(name)}].observations = 2;
  if (random.percent(70)) {
    world.history.asked_by_alert[{"vm_unresponsive", vm_target(name)}] =
        world.now - random.seconds(60);
    if (random.percent(20)) {
      world.tried(vm_target(name)).tries["reset_vm"].at = {world.now - random.seconds(4000)};
    }
  }
  if (random.percent(70)) {
    world.history.storage_open_since[VmUuid{uuid_of(name)}] = world.now - random.seconds(40);
  }
  if (random.percent(8)) return;  // Not on record.
  world.wanted(name, random.pick({StopCause::crashed, StopCause::crashed, StopCause::node_down,
                                  StopCause::none, StopCause::host_shutdown,
                                  StopCause::start_failed, StopCause::unobserved}));
  if (random.percent(15)) {
    world.unwanted(name, random.pick({StopCause::operator_destroy, StopCause::moved_away,
                                      StopCause::guest_shutdown, StopCause::never_ran}));
  }
  if (random.percent(20)) {
    world.marked(name,
                 random.pick({Keep::up, Keep::up, Keep::down, Keep::ignore, Keep::automatic}));
    if (random.percent(20)) {  // It moved or stopped since.
      world.history.intents.at(VmUuid{uuid_of(name)}).changed = kWall + seconds(1);
    }
  }
}

void draw_resource(Random& random, TestWorld& world, std::uint32_t minor) {
  const DrbdResource resource = random_resource(random, minor);
  world.with(resource);
  for (const char* rule : {"drbd_down", "drbd_standalone", "drbd_diskless", "drbd_split_brain"}) {
    draw_history_of(random, world, rule, target_of(resource.name));
  }
  ResourceHistory& known = world.history.resources[resource.name];
  known.seen_up = random.percent(resource.in_kernel ? 90 : 15);
  known.primary_alone = random.percent(35);
  known.ever_connected = random.percent(50);
  if (random.percent(3)) known.split_brain = SplitBrainEvidence{.what = "on record"};
}

/// What persons said, and how long the absent peers have been silent.
void draw_standings(Random& random, TestWorld& world) {
  Standings& said = world.history.standings;
  const auto say = [&](Standing::Kind kind, const std::string& subject) {
    said[{kind, subject}] = {
        .kind = kind, .subject = subject, .by = "anna", .reason = "", .at = kWall};
  };
  for (const char* name : {"web1", "web2"}) {
    if (random.percent(20)) say(Standing::Kind::allow_degraded, uuid_of(name));
  }
  if (random.percent(30)) say(Standing::Kind::peer_dead, "node2");
  if (random.percent(10)) say(Standing::Kind::peer_dead, "node3");
  if (random.percent(1)) say(Standing::Kind::paused, "node");
  if (random.percent(1)) say(Standing::Kind::maintenance, world.history.boot.value);
  if (random.percent(4)) say(Standing::Kind::paused, "vm/" + uuid_of("web1"));
  if (random.percent(4)) say(Standing::Kind::paused, "resource/r1");
  if (random.percent(20)) world.policy.allow_degraded_after = seconds(600);
  for (const DrbdResource& resource : (*world.snapshot.drbd.reading)->resources) {
    for (const DrbdPeer& peer : resource.peers) {
      if (peer.connection == DrbdConnection::connected || random.percent(20)) continue;
      world.history.progress[resource.name].unconnected_since[peer.node_id] =
          world.now - random.seconds(1200);
    }
  }
}

void draw_policy(Random& random, TestWorld& world) {
  Policy& policy = world.policy;
  policy.mode =
      random.pick({Mode::act, Mode::act, Mode::act, Mode::act, Mode::dry_run, Mode::observe});
  if (random.percent(3)) policy.allowed_risk = static_cast<Risk>(-1);
  if (random.percent(60)) policy.allowed_risk = Risk::high;
  policy.foreign_cluster_manager = random.percent(3);
  if (random.percent(30)) {
    VmPolicy block;
    block.match = random.pick({"web1", "web*", "*"});
    block.keep =
        random.pick({Keep::automatic, Keep::automatic, Keep::up, Keep::down, Keep::ignore});
    block.act_on = random.pick({ActOn::both, ActOn::loop, ActOn::alerts});
    block.exclusive = random.percent(50);
    world.vm_policy(block);
  }
}

template <class T>
void age(Random& random, Observed<T>& observed, Tick now, std::size_t limit_seconds) {
  observed.at = now - random.seconds(limit_seconds);
  if (random.percent(4)) observed.at -= seconds(limit_seconds + 1);
  if (random.percent(3)) observed.reading = fail(Errc::unavailable, "no answer");
}

/// What the last peer wants, and whether it may have known what is wanted here.
void draw_wants(Random& random, TestWorld& world) {
  auto& wanted = world.snapshot.peers.back().facts.reading->wanted_vms;
  for (const char* vm : {"web1", "web2", "web3"}) {
    if (random.percent(10)) wanted->push_back({uuid_of(vm)});
    if (!world.history.wanted_told || !random.percent(10)) continue;
    world.history.wanted_told->insert_or_assign(
        VmUuid{uuid_of(vm)}, random.percent(50) ? Tick::max() : world.now - random.seconds(20));
  }
  if (random.percent(8)) wanted = fail(Errc::unavailable, "too old to say");
  if (random.percent(3)) world.history.wanted_told.reset();
}

void draw_peers(Random& random, TestWorld& world) {
  for (const char* name : {"node2", "node3"}) {
    if (!random.percent(60)) continue;
    std::vector<std::string> active;
    if (random.percent(12)) active.emplace_back("web1");
    if (random.percent(12)) active.emplace_back("web2");
    world.peer(name, std::move(active));
    draw_wants(random, world);
    if (random.percent(10)) world.snapshot.peers.pop_back();
    if (!world.snapshot.peers.empty())
      age(random, world.snapshot.peers.back().facts, world.now, 15);
    if (!world.snapshot.peers.empty() && random.percent(10)) {
      world.snapshot.peers.back().heard = world.now - random.seconds(20);
    }
  }
}

}  // namespace

TestWorld random_world(Random& random) {
  TestWorld world;
  const std::size_t vms = random.percent(4) ? 0 : 1 + random.below(4);
  for (std::size_t i = 1; i <= vms; ++i) draw_vm(random, world, "web" + std::to_string(i));
  if (vms == 0) world.wanted("web1");
  for (std::uint32_t minor = 0; minor < 4; ++minor) draw_resource(random, world, minor);
  world.drbd_version(random.pick({"9.2.18", "9.2.18", "8.4.11", "8.4.11", "8.4.11"}));
  if (random.percent(3)) world.drbd_version("");
  world.snapshot.drbd_in_use = random.percent(96);
  draw_policy(random, world);
  draw_standings(random, world);
  draw_peers(random, world);
  world.snapshot.node.reading->shutting_down = random.percent(4);
  age(random, world.snapshot.vms, world.now, 5);
  age(random, world.snapshot.drbd, world.now, 10);
  age(random, world.snapshot.node, world.now, 60);
  world.history.started = world.now - random.seconds(random.pick<std::size_t>({70, 9000}));
  if (random.percent(10)) world.history.settled_at.reset();
  world.history.journal_ok = random.percent(96);
  world.history.jitter_seed = random.next();
  return world;
}

void draw_monitors(Random& random, TestWorld& world) {
  if (!world.snapshot.vms.reading) return;
  Vms vms = **world.snapshot.vms.reading;
  for (Vm& vm : vms) {
    if (random.percent(50)) vm.monitor_blocked = seconds(random.pick({0, 59, 60, 61, 600}));
  }
  world.snapshot.vms.reading = std::make_shared<const Vms>(std::move(vms));
}

TestWorld shuffled(TestWorld world, Random& random) {
  if (world.snapshot.vms.reading) {
    Vms vms = **world.snapshot.vms.reading;
    random.shuffle(vms);
    for (Vm& vm : vms) {
      random.shuffle(vm.disks);
      random.shuffle(vm.networks);
      for (VmDisk& disk : vm.disks) random.shuffle(disk.drbd);
    }
    world.snapshot.vms.reading = std::make_shared<const Vms>(std::move(vms));
  }
  if (world.snapshot.drbd.reading) {
    Drbd drbd = **world.snapshot.drbd.reading;
    random.shuffle(drbd.resources);
    for (DrbdResource& resource : drbd.resources) random.shuffle(resource.peers);
    world.snapshot.drbd.reading = std::make_shared<const Drbd>(std::move(drbd));
  }
  random.shuffle(world.snapshot.peers);
  random.shuffle(world.policy.peers);
  return world;
}

}  // namespace upkeep::test
