#pragma once

#include <optional>
#include <set>
#include <string>

#include "remediation/history.h"
#include "remediation/step.h"

namespace upkeep {

/// Finds the moment from which the sources can be trusted to show everything: each in use has
/// answered, readings a quarter of a second apart list the same, and each peer has been asked.
/// Owned by the loop's thread.
class Settling {
 public:
  /// Sets `settled_at` once that moment has come, or the startup grace is over.
  void look(History& history, const Step& step);

  /// When to have the sources read again, so that nobody waits for their own cadence: as soon as
  /// their lists can have settled, once. A list that changes then waits for the cadence.
  [[nodiscard]] std::optional<Tick> second_look() const { return second_look_; }
  /// It has been asked for.
  void asked();

 private:
  /// What a source listed, and since which reading the list has stayed so.
  struct Listing {
    std::set<std::string> names;
    Tick first{}, last{};
    bool any = false;

    void take(std::set<std::string> listed, Tick at);
    [[nodiscard]] bool settled() const;
  };

  Listing vms_, resources_;
  std::optional<Tick> second_look_;
  bool asked_ = false;
};

}  // namespace upkeep
