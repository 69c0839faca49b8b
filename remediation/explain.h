#pragma once

#include <string>
#include <vector>

#include "exporter/model/snapshot.h"
#include "remediation/decision.h"
#include "remediation/reconciler.h"

namespace upkeep {

/// The answer to `upkeep why`: one sentence a tired person understands, then the facts it rests on,
/// then the commands that would change it.
struct Explanation {
  std::string headline;  ///< "web1 stays down: it was stopped on purpose (virsh destroy) at 03:12."
  std::vector<std::string> facts;
  std::vector<std::string> commands;
};

/// What is known and decided about the target, also when there is no finding at all. Times are
/// shown in the node's local time.
[[nodiscard]] Explanation explain(const Target& target, const Snapshot& snapshot,
                                  const RemediationView& view);

/// Of a plan that nobody acts on: "web1 is shut off (crashed). In mode act upkeep would start it."
[[nodiscard]] std::string supposed_sentence(const Decision& decision, Tick now);
/// The sentence of one decision, for logs, history and the status page.
[[nodiscard]] std::string sentence(const Decision& decision, Tick now);

/// The sentence of a Hold, without the particulars: what it means, for a person.
[[nodiscard]] std::string_view meaning(Hold hold);

}  // namespace upkeep
