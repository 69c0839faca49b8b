#include "remediation/resolve_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "remediation/last_writes.h"
#include "remediation/rules/finding.h"
#include "remediation/words.h"

namespace upkeep {
namespace {

std::string evidence_fact(const DrbdResource& resource, const World& world) {
  const auto evidence = split_brain_of(resource, world);
  if (!evidence) return "no split brain is on record, only a link that stands alone";
  return fmt::format("split brain seen{} ({})", on(evidence->at), evidence->what);
}

}  // namespace

std::vector<std::string> resolve_facts(const DrbdResource& resource, const World& world) {
  std::vector<std::string> facts{evidence_fact(resource, world)};
  std::ranges::move(writes_here(resource, world), std::back_inserter(facts));
  std::ranges::move(primaries_there(resource, world), std::back_inserter(facts));
  facts.emplace_back(
      "what the other side wrote, and whether it is Primary, can't be seen from here: look there "
      "with `upkeep drbd status` before you decide");
  return facts;
}

std::string other_sides_part(const ResolveSplitBrain& resolve, const Snapshot& snapshot) {
  const auto* resource = find_resource(snapshot, resolve.resource);
  const std::string where = resource == nullptr ? "the other node" : other_side(*resource);
  const bool discards = resolve.side == SplitBrainSide::discard_local;
  return fmt::format("on {}: upkeep drbd resolve {} {}", where, resolve.resource.value,
                     discards ? "--keep-local" : "--discard-local");
}

}  // namespace upkeep
