#pragma once

#include "exporter/model/ids.h"

namespace upkeep {

/// True when both may be one host's name: the same but for case, or one of them is the other
/// without its domain. What holds a VM goes by this; who shares a short name with another may be
/// meant by it, so that a word that opens something needs `only_one_called`.
[[nodiscard]] bool is_name_of(const NodeName& one, const NodeName& other);

/// The one of `nodes` that `name` may be a name of; null when there is none, or more than one.
template <class Nodes>
[[nodiscard]] const NodeName* only_one_called(const NodeName& name, const Nodes& nodes) {
  const NodeName* found = nullptr;
  for (const NodeName& node : nodes) {
    if (!is_name_of(node, name)) continue;
    if (found != nullptr) return nullptr;
    found = &node;
  }
  return found;
}

}  // namespace upkeep
