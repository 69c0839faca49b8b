#pragma once

#include "exporter/model/ids.h"

namespace upkeep {

/// How surely two names are one host's.
enum class Likeness { none, but_for_domain, but_for_case, equal };

/// `but_for_domain`: one of them is the other without its domain, and any case.
[[nodiscard]] Likeness likeness(const NodeName& one, const NodeName& other);

/// True when both may be one host's name: the same but for case, or one of them is the other
/// without its domain. What holds a VM goes by this; who shares a short name with another may be
/// meant by it, so that a word that opens something needs `only_one_called` or `counterpart`.
[[nodiscard]] bool is_name_of(const NodeName& one, const NodeName& other);

/// The one of `nodes` that is called `name`, or else that it may be a name of; null when there is
/// none, or more than one.
template <class Nodes>
[[nodiscard]] const NodeName* only_one_called(const NodeName& name, const Nodes& nodes) {
  const NodeName* found = nullptr;
  Likeness best = Likeness::none;
  for (const NodeName& node : nodes) {
    const Likeness like = likeness(node, name);
    if (like == Likeness::none || like < best) continue;
    found = like == best ? nullptr : &node;
    best = like;
  }
  return found;
}

/// The one of `nodes` that `name`, which is one of `names`, is for certain: as `only_one_called`,
/// and no other of `names` may be that node. Null when nobody can tell.
template <class Nodes, class Names>
[[nodiscard]] const NodeName* counterpart(const NodeName& name, const Nodes& nodes,
                                          const Names& names) {
  const NodeName* found = only_one_called(name, nodes);
  if (found == nullptr || likeness(*found, name) > Likeness::but_for_domain) return found;
  for (const NodeName& other : names) {
    if (other != name && is_name_of(other, *found)) return nullptr;
  }
  return found;
}

}  // namespace upkeep
