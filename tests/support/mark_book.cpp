#include "tests/support/mark_book.h"

namespace upkeep::test {

using simulation::NodeIndex;

void MarkBook::said(NodeIndex node, const VmUuid& vm, Keep keep) {
  Line& line = lines_[{node, vm}];
  line.open.insert(keep);
  line.was_up = line.was_up || keep == Keep::up;
}

void MarkBook::answered(NodeIndex node, const VmUuid& vm, Keep keep, bool yes) {
  Line& line = lines_[{node, vm}];
  if (yes) {
    line = {.firm = keep, .open = {}, .was_up = line.was_up};
  } else if (const auto said = line.open.find(keep); said != line.open.end()) {
    line.open.erase(said);
  }
}

bool MarkBook::may_be(NodeIndex node, const VmUuid& vm, Keep keep) const {
  const auto line = lines_.find({node, vm});
  if (line == lines_.end()) return keep == Keep::automatic;
  return line->second.firm == keep || line->second.open.contains(keep);
}

bool MarkBook::was_up(NodeIndex node, const VmUuid& vm) const {
  const auto line = lines_.find({node, vm});
  return line != lines_.end() && line->second.was_up;
}

bool MarkBook::is_certain(NodeIndex node, const VmUuid& vm) const {
  const auto line = lines_.find({node, vm});
  return line == lines_.end() || line->second.open.empty();
}

bool MarkBook::forbids(NodeIndex node, const VmUuid& vm) const {
  return !may_be(node, vm, Keep::automatic) && !may_be(node, vm, Keep::up);
}

}  // namespace upkeep::test
