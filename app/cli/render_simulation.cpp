#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/cli/simulate.h"

namespace upkeep::cli {
namespace {

using simulation::Bottleneck;
using simulation::PowerCutMoment;
using simulation::PowerCutResult;
using simulation::VmReturn;

constexpr std::size_t kTimelineRows = 12;

/// "127 s", from two minutes on with "2 min 7 s" behind it.
std::string time_cell(Seconds time) {
  const auto whole = std::lround(time.count());
  if (whole < 120) return fmt::format("{} s", whole);
  return fmt::format("{} s ({} min {} s)", whole, whole / 60, whole % 60);
}

std::size_t count_of(const PowerCutResult& result, MemberState state) {
  return static_cast<std::size_t>(std::ranges::count(result.vms, state, &VmReturn::state));
}

std::string what_came_of_it(const PowerCutResult& result) {
  std::string text;
  for (const MemberState state : kMemberStates) {
    const std::size_t count = count_of(result, state);
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, to_string(state));
  }
  return text;
}

std::string totals(const Simulated& simulated, const Style& style) {
  Table table({"WHO STARTS THE VMs", "UNTIL ALL ARE UP"});
  const auto& total = simulated.upkeep.total;
  table.add({{"upkeep on each node", Colour::strong},
             {total ? time_cell(*total) : "never: " + what_came_of_it(simulated.upkeep),
              total ? Colour::good : Colour::bad}});
  if (simulated.serial) {
    table.add({{"one after another in the cluster"}, {time_cell(simulated.serial->total)}});
    table.add({{"one after another on each node"}, {time_cell(simulated.serial->total_per_node)}});
  }
  return table.text(style);
}

std::string phases(const PowerCutResult& result, const Style& style) {
  Table table({"PHASE", "MEDIAN", "WORST"});
  for (const simulation::PhaseSpread& phase : simulation::spreads_of(result)) {
    table.add({{phase.name},
               {fmt::format("{:.1f} s", phase.median.count())},
               {fmt::format("{:.1f} s", phase.worst.count())}});
  }
  return table.text(style);
}

std::string timeline(const PowerCutResult& result, const Style& style) {
  Table table({"AFTER", "DOWN", "BOOTING", "HEALTHY", "SLOTS", "IO FULL", "CPU SOME"});
  const std::size_t every = std::max<std::size_t>(1, result.timeline.size() / kTimelineRows);
  for (std::size_t i = every - 1; i < result.timeline.size(); i += every) {
    const PowerCutMoment& at = result.timeline[i];
    table.add({{fmt::format("{:.0f} s", at.at.count())},
               {fmt::format("{}", at.down)},
               {fmt::format("{}", at.booting)},
               {fmt::format("{}", at.healthy), Colour::good},
               {fmt::format("{}", at.slots)},
               {fmt::format("{:.0f} %", 100 * at.io_full)},
               {fmt::format("{:.0f} %", 100 * at.cpu_some)}});
  }
  return table.text(style);
}

const char* sentence_of(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::node_boot: return "the node's own boot, before upkeep runs";
    case Bottleneck::look: return "the first looks at libvirt and DRBD";
    case Bottleneck::drbd: return "DRBD: VMs wait until their disks are up and the peers connected";
    case Bottleneck::disks:
      return "the disks: boots slow each other down, or wait until their pressure allows one more";
    case Bottleneck::processors:
      return "the processors: boots slow each other down, or wait until their pressure allows one "
             "more";
    case Bottleneck::slots:
      return "the start slots: VMs wait for one although the node is calm (start_slots is where "
             "their number begins)";
    case Bottleneck::order:
      return "the order: VMs wait for those of an earlier priority or `after`";
    case Bottleneck::guests: return "the guests' own boot: nothing is left to start";
    case Bottleneck::other: break;
  }
  return "holds that time alone does not end: see the VMs' states";
}

}  // namespace

std::string bottleneck_of(const PowerCutResult& result) {
  Seconds all{};
  for (const auto& [what, seconds] : result.shares) all += seconds;
  const auto most = result.shares.find(result.bottleneck);
  if (most == result.shares.end()) return "nothing was down";
  return fmt::format("on {}, the last to be done, {:.0f} of {:.0f} s went into {}",
                     result.last_node.empty() ? "a node" : result.last_node, most->second.count(),
                     all.count(), sentence_of(result.bottleneck));
}

std::string render_simulated(const Simulated& simulated, const Style& style) {
  const SimulateCommand& said = simulated.said;
  const std::string head =
      fmt::format("Power cut of {} nodes with {} VMs, {:g} s a boot (seed {}), simulated",
                  said.nodes, said.vms.size(), said.boot_seconds, said.seed);
  std::string text = painted(head, Colour::strong, style) + "\n\n" + totals(simulated, style) +
                     "\n" + phases(simulated.upkeep, style) + "\n" +
                     timeline(simulated.upkeep, style) +
                     "\nBottleneck: " + bottleneck_of(simulated.upkeep) + "\n";
  for (const VmReturn& vm : simulated.upkeep.vms) {
    if (vm.state == MemberState::healthy || vm.state == MemberState::unwanted) continue;
    text += painted(fmt::format("{} on {}: {}{}", vm.name, vm.node, to_string(vm.state),
                                vm.why.empty() ? "" : " (" + vm.why + ")"),
                    Colour::bad, style) +
            "\n";
  }
  return text;
}

}  // namespace upkeep::cli
