#include "exporter/sources/replication/link_story.h"

#include <utility>

namespace upkeep {

LinkPhase link_phase(const Stated<DrbdConnection>& connection, bool past_handshake) {
  switch (connection.kind) {
    case DrbdConnection::stand_alone: return LinkPhase::stand_alone;
    case DrbdConnection::disconnecting: return LinkPhase::disconnecting;
    case DrbdConnection::unconnected: return LinkPhase::unconnected;
    case DrbdConnection::connected:
      return past_handshake ? LinkPhase::established : LinkPhase::handshake;
    case DrbdConnection::timeout:
    case DrbdConnection::broken_pipe:
    case DrbdConnection::network_failure:
    case DrbdConnection::protocol_error:
    case DrbdConnection::tear_down:
    case DrbdConnection::connecting:
    case DrbdConnection::other: return LinkPhase::trying;
  }
  return LinkPhase::trying;
}

LinkPhase link_phase_of_log_word(std::string_view word) {
  if (word == "WFConnection") return LinkPhase::trying;
  if (word == "WFReportParams") return LinkPhase::handshake;
  if (stated(kDrbdReplications, word).kind != DrbdReplication::other) {
    return LinkPhase::established;
  }
  return link_phase(stated(kDrbdConnections, word), true);
}

void LinkStory::created() {
  seen_from_creation_ = true;
  never_ended_ = true;
  phase_ = LinkPhase::stand_alone;
  reason_.reset();
  loss_.reset();
}

void LinkStory::refused(LinkLoss why) {
  never_ended_ = false;
  if (why.cause == LinkLossCause::split_brain) split_brain_ = {why.what, why.at};
  // What is said while the link is taken down is about the clearing away.
  if (phase_ == LinkPhase::disconnecting) return;
  // The first reason is the cause; a better known one may follow an unknown.
  if (!reason_ || reason_->cause == LinkLossCause::unknown) reason_ = std::move(why);
}

LinkLoss LinkStory::cause_of_disconnect(std::string_view what, WallTime at) const {
  LinkLoss loss{LinkLossCause::disconnected_by_operator, std::string(what), at};
  // Within a handshake a refusal is as likely as an order. Before one a failed authentication or
  // dialects that don't fit end in the same two words, and only the log can tell.
  const bool ordered =
      phase_ == LinkPhase::established ||
      (witness_ == Witness::kernel_log && phase_ && phase_ != LinkPhase::handshake);
  if (!ordered) loss.cause = LinkLossCause::unknown;
  return loss;
}

void LinkStory::moved(LinkPhase to, std::string_view what, WallTime at) {
  if (phase_ == to) return;
  if (to == LinkPhase::disconnecting || to == LinkPhase::stand_alone) never_ended_ = false;
  switch (to) {
    case LinkPhase::disconnecting:
      if (!reason_) reason_ = cause_of_disconnect(what, at);
      break;
    case LinkPhase::stand_alone:
      if (reason_) {
        loss_ = std::exchange(reason_, std::nullopt);
      } else if (phase_) {
        loss_ = {LinkLossCause::unknown, std::string(what), at};
      }
      break;
    case LinkPhase::established:
      split_brain_.reset();
      reason_.reset();
      loss_.reset();
      break;
    case LinkPhase::unconnected:
      reason_.reset();
      loss_.reset();
      break;
    case LinkPhase::trying:
    case LinkPhase::handshake: break;
  }
  phase_ = to;
}

LinkStory::Knowledge LinkStory::knowledge() const {
  if (phase_ && phase_ != LinkPhase::stand_alone) return Knowledge::elsewhere;
  if (loss_) return Knowledge::lost;
  return seen_from_creation_ ? Knowledge::never_lost : Knowledge::nothing;
}

}  // namespace upkeep
