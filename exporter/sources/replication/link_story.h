#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/drbd.h"

namespace upkeep {

/// How far a link is, as far as it matters for why it was lost.
enum class LinkPhase {
  stand_alone,
  unconnected,  ///< A new attempt begins.
  trying,
  handshake,  ///< 8.4 calls this Connected in events2, and WFReportParams elsewhere.
  established,
  disconnecting,
};

/// The phase of a connection state as events2 prints it; `past_handshake` tells whether every
/// volume replicates. A word this program does not know counts as `trying`.
[[nodiscard]] LinkPhase link_phase(const Stated<DrbdConnection>& connection, bool past_handshake);

/// The phase of the kernel's own word (`conn( WFReportParams -> StandAlone )`): 8.4 has connection
/// and replication states in one set.
[[nodiscard]] LinkPhase link_phase_of_log_word(std::string_view word);

/// Follows one link and knows why it became StandAlone. Pure: told by one witness, in order.
class LinkStory {
 public:
  /// The kernel log names every refusal, so that a disconnect without one was ordered; the stream
  /// does not.
  enum class Witness { kernel_log, stream };
  enum class Knowledge {
    nothing,     ///< StandAlone or not, its beginning was not seen.
    never_lost,  ///< StandAlone since it was created.
    lost,
    elsewhere,  ///< Not StandAlone when last seen.
  };

  explicit LinkStory(Witness witness) : witness_(witness) {}

  /// The resource, or the link, was set up anew; what was before it no longer counts.
  void created();
  /// The handshake was refused, or this ends the link.
  void refused(LinkLoss why);
  /// The link is in another phase; `what` and `at` tell people how that is known.
  void moved(LinkPhase to, std::string_view what, WallTime at);
  /// A person decided whose changes are lost: what was known of a split brain counts no more.
  void settle_split_brain() { split_brain_.reset(); }
  /// The phase it was in until now, where the witness says it: the left word of a log line.
  void was(LinkPhase phase) { phase_ = phase; }

  [[nodiscard]] const std::optional<LinkPhase>& phase() const { return phase_; }
  [[nodiscard]] Knowledge knowledge() const;
  /// It was seen from its creation on, and nothing has ended or refused it: it was StandAlone only
  /// at its beginning.
  [[nodiscard]] bool never_ended() const { return never_ended_; }
  [[nodiscard]] const std::optional<LinkLoss>& loss() const { return loss_; }
  /// Set by an unresolved split brain, until it is settled or the link is established again.
  [[nodiscard]] const std::optional<SplitBrainEvidence>& split_brain() const {
    return split_brain_;
  }

  friend bool operator==(const LinkStory&, const LinkStory&) = default;

 private:
  [[nodiscard]] LinkLoss cause_of_disconnect(std::string_view what, WallTime at) const;

  Witness witness_;
  bool seen_from_creation_ = false;
  bool never_ended_ = false;
  std::optional<LinkPhase> phase_;
  std::optional<LinkLoss> reason_;  // Why it will be lost.
  std::optional<LinkLoss> loss_;
  std::optional<SplitBrainEvidence> split_brain_;
};

}  // namespace upkeep
