// Every recorded stream, against what the same node's tools and /proc/drbd printed meanwhile.

#include "transcript.h"

#include <gtest/gtest.h>

#include <fmt/core.h>

#include <algorithm>
#include <sstream>

#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/proc_drbd.h"

namespace upkeep {
namespace {

using transcript::Line;

/// One resource as `drbdsetup status` or `drbdadm status` prints it.
struct Shown {
  std::string name, role;
  std::map<std::string, std::string> disks;  ///< By volume.
  struct Peer {
    std::string connection = "Connected";  ///< Printed only when it isn't.
    std::string role;
    std::map<std::string, std::map<std::string, std::string>> devices;
  };
  std::map<std::string, Peer> peers;
};

std::vector<Shown> read_status(const std::vector<std::string>& lines) {
  static const std::regex resource(R"(^(\S+) (node-id:\d+ )?role:(\w+).*)");
  static const std::regex word(R"(([a-z-]+):(\S+))");
  std::vector<Shown> shown;
  Shown::Peer* peer = nullptr;
  std::string volume = "0";
  for (const std::string& line : lines) {
    std::smatch match;
    if (std::regex_match(line, match, resource)) {
      shown.push_back({match[1], match[3], {}, {}});
      peer = nullptr;
      continue;
    }
    if (shown.empty() || !line.starts_with("  ")) continue;
    std::map<std::string, std::string> words;
    for (std::sregex_iterator at(line.begin(), line.end(), word), end; at != end; ++at) {
      words[(*at)[1]] = (*at)[2];
    }
    if (words.contains("volume")) volume = words["volume"];
    const bool is_second_level = line.size() > 2 && line[2] != ' ';
    if (words.contains("disk")) {
      peer = nullptr;
      if (!words.contains("volume")) volume = "0";
      shown.back().disks[volume] = words["disk"];
    } else if (is_second_level && !words.contains("volume")) {
      const std::string name = line.substr(2, line.find(' ', 2) - 2);
      peer = &shown.back().peers[name];
      volume = "0";
      if (words.contains("connection")) peer->connection = words["connection"];
      if (words.contains("role")) peer->role = words["role"];
    } else if (peer != nullptr && (words.contains("replication") || words.contains("peer-disk"))) {
      peer->devices[volume] = words;
    }
  }
  return shown;
}

const DrbdResource* find(const Drbd& drbd, const std::string& name) {
  const auto at = std::ranges::find(drbd.resources, ResourceName{name}, &DrbdResource::name);
  return at == drbd.resources.end() ? nullptr : &*at;
}

std::string difference(const Shown& shown, const Drbd& drbd) {
  const DrbdResource* known = find(drbd, shown.name);
  if (known == nullptr) return shown.name + " is not known";
  if (known->role.text != shown.role) return shown.name + " role " + known->role.text;
  for (const auto& [volume, disk] : shown.disks) {
    const auto at = std::ranges::find_if(known->devices, [&](const DrbdDevice& device) {
      return std::to_string(device.volume.value) == volume;
    });
    if (at == known->devices.end()) return shown.name + " has no volume " + volume;
    if (at->disk.text != disk) return shown.name + " disk " + at->disk.text + " not " + disk;
  }
  if (shown.peers.empty() && is_version_84(drbd)) {
    if (known->peers.size() != 1) return shown.name + " has no peer";
    if (known->peers[0].connection != DrbdConnection::stand_alone) {
      return shown.name + " is " + known->peers[0].connection.text + ", not StandAlone";
    }
    return {};
  }
  for (const auto& [name, peer] : shown.peers) {
    const auto at = std::ranges::find(known->peers, NodeName{name}, &DrbdPeer::name);
    if (at == known->peers.end()) return shown.name + " has no peer " + name;
    if (at->connection.text != peer.connection) {
      return fmt::format("{} connection {} not {}", shown.name, at->connection.text,
                         peer.connection);
    }
    if (!peer.role.empty() && at->role.text != peer.role) {
      return shown.name + " peer role " + at->role.text;
    }
    for (const auto& [volume, words] : peer.devices) {
      const auto device = std::ranges::find_if(at->devices, [&](const DrbdPeerDevice& d) {
        return std::to_string(d.volume.value) == volume;
      });
      if (device == at->devices.end()) return shown.name + " has no peer volume " + volume;
      if (words.contains("replication") && device->replication.text != words.at("replication")) {
        return shown.name + " replication " + device->replication.text;
      }
      if (words.contains("peer-disk") && device->peer_disk.text != words.at("peer-disk")) {
        return shown.name + " peer disk " + device->peer_disk.text;
      }
    }
  }
  return {};
}

/// One command's output, and how the node's stream stood meanwhile.
struct Block {
  std::string command;
  std::vector<std::string> output;
  bool quiet = true;  ///< No event of this node came while it ran.
};

// Every /proc/drbd in a command's output.
std::vector<std::string> proc_texts(const std::vector<std::string>& output) {
  static const std::regex part(
      R"(^(srcversion: .*|GIT-hash: .*| *\d+: cs:.*|    ns:.*|\t\[.*|\tfinish: .*|)$)");
  std::vector<std::string> texts;
  bool inside = false;
  for (const std::string& line : output) {
    if (line.starts_with("version: ")) {
      texts.emplace_back();
      inside = true;
    } else {
      inside = inside && std::regex_match(line, part);
    }
    if (inside) texts.back() += line + "\n";
  }
  return texts;
}

struct Count {
  int points = 0, resources = 0, lines = 0;
};

void compare(const Block& block, const DrbdState& state, const std::string& where, Count& count) {
  // Filtered output doesn't show everything.
  const bool cut = block.command.contains("head") || block.command.contains("grep");
  const Drbd drbd = state.drbd();
  for (const std::string& text : proc_texts(block.output)) {
    if (cut || !is_version_84(drbd)) continue;
    const ProcDrbd proc = parse_proc_drbd(text);
    EXPECT_TRUE(proc.unparsed.empty()) << where << ": " << proc.unparsed.front();
    EXPECT_EQ(disagreement(proc, drbd).value_or(""), "") << where;
    ++count.points;
    count.resources += static_cast<int>(proc.devices.size());
  }
  const auto shown = read_status(block.output);
  if (!shown.empty()) ++count.points;
  for (const Shown& resource : shown) {
    EXPECT_EQ(difference(resource, drbd), "") << where;
    ++count.resources;
  }
}

// Walks a transcript; `at` looks at every command of a node with a stream.
template <class At>
Count walk(const std::filesystem::path& file, At at) {
  Count count;
  std::map<std::string, DrbdState> states;
  Block block;
  std::string node;
  for (const Line& line : transcript::read(file)) {
    switch (line.kind) {
      case Line::Kind::stream_start: {
        const auto state = states.try_emplace(line.node, transcript::kernel_version(file)).first;
        state->second.begin_dump();
        break;
      }
      case Line::Kind::event: {
        const auto state = states.find(line.node);
        if (state == states.end()) break;
        const AppliedLine applied = state->second.apply(line.text, {});
        EXPECT_TRUE(applied.unparsed.empty()) << line.text << "\n" << applied.unparsed.front();
        EXPECT_FALSE(applied.resync) << line.text;
        ++count.lines;
        if (line.node == node) block.quiet = false;
        break;
      }
      case Line::Kind::command:
        node = line.node;
        block = {line.text, {}, true};
        break;
      case Line::Kind::output: block.output.push_back(line.text); break;
      case Line::Kind::result:
        if (const auto state = states.find(node);
            state != states.end() && state->second.complete() && block.quiet) {
          at(block, state->second, count);
        }
        break;
      case Line::Kind::other: break;
    }
  }
  return count;
}

TEST(Transcripts, StateEqualsWhatTheToolsPrinted) {
  Count all;
  for (const auto& file : transcript::files()) {
    const Count count = walk(file, [&](const Block& block, const DrbdState& state, Count& counts) {
      compare(block, state, file.filename().string() + ": " + block.command, counts);
    });
    all.points += count.points;
    all.resources += count.resources;
    all.lines += count.lines;
  }
  // So that a test that compares nothing can't pass.
  EXPECT_GE(all.points, 120);
  EXPECT_GE(all.resources, 680);
  EXPECT_EQ(all.lines, 2681);
}

TEST(Transcripts, EveryRecordedLineIsUnderstood) {
  int files = 0;
  int events = 0;
  int procs = 0;
  for (const auto& file : transcript::files()) {
    ++files;
    DrbdState state(transcript::kernel_version(file));
    std::vector<std::string> output;
    for (const Line& line : transcript::read(file)) {
      if (line.kind == Line::Kind::output) output.push_back(line.text);
      if (line.kind == Line::Kind::result) {
        for (const std::string& text : proc_texts(output)) {
          const ProcDrbd proc = parse_proc_drbd(text);
          EXPECT_TRUE(proc.unparsed.empty()) << file << ": " << proc.unparsed.front();
          EXPECT_EQ(proc.version, transcript::kernel_version(file)) << file;
          ++procs;
        }
        output.clear();
      }
      if (line.kind != Line::Kind::event && !transcript::is_event(line.text)) continue;
      const AppliedLine applied = state.apply(line.text, {});
      EXPECT_TRUE(applied.unparsed.empty()) << file << ": " << line.text << "\n"
                                            << applied.unparsed.front();
      ++events;
    }
  }
  EXPECT_EQ(files, 21);
  EXPECT_EQ(events, 3842);
  EXPECT_GT(procs, 80);
}

// Where no stream was recorded: each `events2 --now` against the status printed just before it.
TEST(Transcripts, AFreshDumpEqualsTheStatusBesideIt) {
  int compared = 0;
  std::vector<std::string> output;
  for (const Line& line : transcript::read(transcript::folder() / "drbd84-commands-and-proc.txt")) {
    if (line.kind == Line::Kind::command) output.clear();
    if (line.kind != Line::Kind::output) continue;
    output.push_back(line.text);
    if (line.text != "exists -") continue;
    DrbdState state("8.4.11");
    for (const std::string& text : output) {
      if (text.starts_with("exists ")) (void)state.apply(text, {});
    }
    ASSERT_TRUE(state.complete());
    std::map<std::string, Shown> last;  // What a command line printed first is older.
    for (Shown& shown : read_status(output)) last.insert_or_assign(shown.name, std::move(shown));
    for (const DrbdResource& resource : state.drbd().resources) {
      const auto shown = last.find(resource.name.value);
      if (shown == last.end()) continue;
      EXPECT_EQ(difference(shown->second, state.drbd()), "") << shown->first;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 5);
}

Drbd final_state(const std::string& name) {
  DrbdState state("9.2.18");
  for (const Line& line : transcript::read(transcript::folder() / name)) {
    if (transcript::is_event(line.text)) (void)state.apply(line.text, {});
  }
  Drbd drbd = state.drbd();
  // Only --full and --statistics have figures, and they are of different moments.
  for (DrbdResource& resource : drbd.resources) {
    for (DrbdDevice& device : resource.devices) {
      device.size = device.read = device.written = std::nullopt;
    }
    for (DrbdPeer& peer : resource.peers) {
      peer.congested.reset();
      for (DrbdPeerDevice& device : peer.devices) {
        device.out_of_sync = device.sent = device.received = std::nullopt;
        device.resync_bytes_per_second.reset();
        device.resync_eta.reset();
      }
    }
  }
  return drbd;
}

// Three streams of one node at the same time, printed in three ways.
// The recordings in which links were taken down by `drbdadm disconnect` alone, on either node.
TEST(Transcripts, EveryRecordedDisconnectIsAnOperators) {
  for (const char* name : {"drbd84-06-standalone.txt", "drbd92-06-standalone.txt"}) {
    const auto path = transcript::folder() / name;
    std::map<std::string, DrbdState> nodes;
    int disconnects = 0;
    for (const Line& line : transcript::read(path)) {
      if (line.kind != Line::Kind::event) continue;
      DrbdState& state =
          nodes.try_emplace(line.node, transcript::kernel_version(path)).first->second;
      for (const DrbdEvent& event : state.apply(line.text, {}).events) {
        if (event.to != "StandAlone" || event.from != "Disconnecting") continue;
        ++disconnects;
        const auto& links = state.stories().at(event.resource);
        ASSERT_EQ(links.size(), 1U);
        const auto& loss = links.begin()->second.loss();
        ASSERT_TRUE(loss) << name << ": " << line.text;
        EXPECT_EQ(loss->cause, LinkLossCause::disconnected_by_operator) << line.text;
      }
    }
    EXPECT_EQ(disconnects, 4) << name;
  }
}

TEST(Transcripts, PlainFullAndDiffStreamsLeadToTheSameState) {
  const Drbd plain = final_state("drbd92-events2.txt");
  EXPECT_EQ(plain.resources.size(), 2U);
  EXPECT_EQ(plain, final_state("drbd92-events2-full.txt"));
  EXPECT_EQ(plain, final_state("drbd92-events2-diff.txt"));
}

}  // namespace
}  // namespace upkeep
