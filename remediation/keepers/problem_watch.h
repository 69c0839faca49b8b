#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "remediation/history.h"
#include "remediation/world.h"

namespace upkeep {

/// Keeps the open problems: what showed each, since when, how often it was seen. Owned by the
/// loop's thread.
class ProblemWatch {
 public:
  using Key = std::pair<std::string, Target>;

  explicit ProblemWatch(History& history) : history_(history) {}

  void take(const VmEvent& event);
  void take(const DrbdEvent& event);
  /// A peer that shares the resource booted.
  void peer_booted(const Target& target, Tick at);
  /// A person asked for it: the next problem of the target is theirs.
  void asked_for(const Target& target, Tick at);

  /// Looks with every rule that sees; returns what is no problem any more. A rule that is blind
  /// keeps its problems, but what it saw before its blindness confirms nothing afterwards.
  [[nodiscard]] std::vector<Key> look(const World& world);

 private:
  /// Something happened to a target that may show as a problem in the next reading.
  struct Cause {
    Trigger trigger = Trigger::event;
    bool definite = false;  ///< It can't mean anything else.
    Tick at{};
  };

  void remember(const Target& target, const Cause& cause);
  void sight(const Key& key, Tick reading_at, Tick now);

  History& history_;
  std::map<Target, Cause> causes_;
};

}  // namespace upkeep
