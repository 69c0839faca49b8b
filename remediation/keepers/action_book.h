#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remediation/executor.h"
#include "remediation/keepers/journal_keeper.h"
#include "remediation/keepers/outage_watch.h"
#include "remediation/plan.h"
#include "remediation/step.h"

namespace upkeep {

/// The actions that have begun and not ended: from the journal to the executor, and from its news,
/// through the look that proves the effect, back into the journal. Owned by the loop's thread.
class ActionBook {
 public:
  struct Parts {
    Executor& executor;
    Recorder& recorder;
    JournalKeeper& journal;
    OutageWatch& outages;
  };

  /// `unfinished`: begun by a daemon before this one.
  ActionBook(Parts parts, History& history, std::vector<ActionRecord> unfinished);

  /// Begins what was decided, as far as hands are free. A decision that can't be journaled becomes
  /// a hold.
  void begin(std::vector<Decision>& decisions, const Step& step,
             const std::shared_ptr<const Policy>& policy);
  /// What a person asked for, whatever the mode is.
  struct Order {
    Action action;
    std::string_view rule;  ///< The problem it is against; static storage.
    std::string why;        ///< Who asked, and why.
  };
  /// Begins it at once; false: it could not be journaled. Whether it may be is for the caller.
  [[nodiscard]] bool begin_ordered(const Order& order, const Step& step,
                                   const std::shared_ptr<const Policy>& policy);
  /// Takes the executor's news. A success is only reported: the next reading must show it.
  void take_completed(const Step& step);
  /// Compares reported successes with what is seen now. Problems must be up to date.
  void verify(const Step& step);
  /// Settles by what is seen what an earlier daemon had begun.
  void settle_unfinished(const Step& step);
  /// Nobody looks any more: reported successes are taken for what they are, but for guests that
  /// still boot, which the next daemon waits for.
  void stop_verifying(const Step& step);

  /// Is the stop that the event tells of part of an action of ours?
  [[nodiscard]] bool is_ours(const VmEvent& event) const;
  [[nodiscard]] std::vector<Ticket> tickets() const;
  /// Something has ended by its own word, and waits to be seen.
  [[nodiscard]] bool waits_for_a_look() const;

 private:
  struct Flight {
    Ticket ticket;
    bool overdue = false;
    std::optional<Completed> reported;
  };
  /// A crashed guest was dropped by us, and the event may still be on its way.
  struct Dropped {
    Target target;
    Tick from{}, until{};
  };

  [[nodiscard]] bool hands_free(const Action& action) const;
  [[nodiscard]] bool begin_one(const Decision& decision, const Action& action, const Step& step,
                               const std::shared_ptr<const Policy>& policy);
  /// Is it not to be seen yet that what was reported helped?
  [[nodiscard]] bool is_open(const Completed& completed, const Step& step) const;
  /// False while a guest that was started may still become healthy. One that did not in time makes
  /// the start an ineffective one.
  [[nodiscard]] static bool has_booted(Completed& completed, const World& world);
  /// A person said that this node's data is the right one: what is on record is answered.
  void settle_split_brain(const Action& action);
  void look_at_sight(const Step& step);
  /// Has the ledger had the time to take in how the action's VM was left?
  [[nodiscard]] bool is_in_the_ledger(const Action& action, const Step& step) const;
  /// How an action of an earlier daemon ended at its deadline, when it had sent nothing by then: it
  /// was never to send anything any more.
  [[nodiscard]] std::optional<Outcome> given_up_unsent(const Action& action) const;
  /// A start of an earlier daemon whose guest still boots.
  void take_over(Completed completed);
  void finish(const Completed& completed, const Step& step);
  void overdue(Flight& flight, const Completed& completed, const Step& step);
  void note_dropped(const Completed& completed);

  Parts parts_;
  History& history_;
  std::vector<ActionRecord> unfinished_;
  std::optional<Tick> seen_since_;  ///< The VMs, by this daemon and without a gap.
  std::vector<Flight> flights_;
  std::vector<Dropped> dropped_;
  std::shared_ptr<const History> frozen_;  ///< The history that this step's tickets share.
};

}  // namespace upkeep
