#pragma once

#include <optional>
#include <set>
#include <string>

#include "remediation/history.h"
#include "remediation/step.h"

namespace upkeep {

/// Finds the moment from which the sources can be trusted to show everything: each in use has
/// answered, and two readings in a row list the same. Owned by the loop's thread.
class Settling {
 public:
  /// Sets `settled_at` once that moment has come, or the startup grace is over.
  void look(History& history, const Step& step);

 private:
  /// What a source listed, and since which reading the list has stayed so.
  struct Listing {
    std::set<std::string> names;
    Tick first{}, last{};
    bool any = false;

    void take(std::set<std::string> listed, Tick at);
    [[nodiscard]] bool settled() const { return any && last > first; }
  };

  Listing vms_, resources_;
};

}  // namespace upkeep
