#include "exporter/sources/replication/drbd_log_line.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace upkeep {
namespace {

constexpr std::size_t kKept = 200;  // Of a line.

struct Refusal {
  std::string_view words;
  LinkLossCause cause;
  bool only_in_handshake = false;
};

// From drbd_receiver.c of 8.4 and 9; the special before the general.
constexpr std::array<Refusal, 18> kRefusals{
    {{"Split-Brain detected but unresolved", LinkLossCause::split_brain},
     {"I shall become SyncTarget, but I am primary", LinkLossCause::role_conflict},
     {"Multiple primaries not allowed by config", LinkLossCause::role_conflict, true},
     {"Unrelated data", LinkLossCause::unrelated_data},
     {"Can only connect to data with current UUID", LinkLossCause::unrelated_data},
     {"incompatible DRBD dialects", LinkLossCause::incompatible_settings},
     {"Different verify-alg settings", LinkLossCause::incompatible_settings},
     {"Different csums-alg settings", LinkLossCause::incompatible_settings},
     {"peer data-integrity-alg", LinkLossCause::incompatible_settings},
     {"The peer's disk size is too small", LinkLossCause::disk_size},
     {"Authentication of peer failed", LinkLossCause::authentication},
     {"dry-run connect:", LinkLossCause::trial_connect},
     // Refusals without a name of their own: told, never repeated blindly.
     {"I shall become SyncSource, but I am inconsistent", LinkLossCause::unknown},
     {"To resolve this both sides have to support", LinkLossCause::unknown},
     {"some backing storage is needed", LinkLossCause::unknown},
     {"Configuration error", LinkLossCause::unknown},
     {"dropping connection", LinkLossCause::unknown},
     {"Discarding network configuration", LinkLossCause::unknown}}};

// Takes what stands before `separator` off the front; everything when it isn't there.
std::string_view take_until(std::string_view& rest, std::string_view separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + separator.size());
  return taken;
}

// Who speaks: "block drbd10", "drbd r0", "drbd r0 beta", "drbd r0/0 drbd10 beta".
bool take_speaker(DrbdLogLine& line, std::string_view speaker) {
  constexpr std::string_view kBlock = "block drbd";
  constexpr std::string_view kDrbd = "drbd ";
  if (speaker.starts_with(kBlock)) {
    speaker.remove_prefix(kBlock.size());
    std::uint32_t minor = 0;
    const char* const last = speaker.data() + speaker.size();
    const auto [end, error] = std::from_chars(speaker.data(), last, minor);
    line.minor = DeviceMinor{minor};
    return error == std::errc() && end == last;
  }
  if (!speaker.starts_with(kDrbd)) return false;
  speaker.remove_prefix(kDrbd.size());
  std::string_view resource = take_until(speaker, " ");
  const bool names_volume = resource.find('/') != std::string_view::npos;
  if (names_volume) (void)take_until(speaker, " ");  // The device.
  line.resource = take_until(resource, "/");
  line.peer = speaker;
  return !line.resource.empty() && speaker.find(' ') == std::string_view::npos;
}

// "… conn( WFConnection -> Disconnecting ) …"; only the plan of a state change has no arrow.
bool take_move(DrbdLogLine& line, std::string_view text) {
  const std::size_t at = text.find("conn( ");
  if (at == std::string_view::npos) return false;
  std::string_view rest = text.substr(at + 6);
  const std::string_view inside = take_until(rest, " )");
  rest = inside;
  const std::string_view from = take_until(rest, " -> ");
  if (from.empty() || rest.empty()) return false;
  line.kind = DrbdLogLine::Kind::moved;
  line.from = link_phase_of_log_word(from);
  line.to = link_phase_of_log_word(rest);
  return true;
}

bool take_refusal(DrbdLogLine& line, std::string_view text) {
  line.kind = DrbdLogLine::Kind::refused;
  // "incompatible after-sb-0pri settings": which one stands in between.
  if (text.starts_with("incompatible ") && text.ends_with(" settings")) {
    line.cause = LinkLossCause::incompatible_settings;
    return true;
  }
  if (text.find("trying again") != std::string_view::npos) return false;
  for (const Refusal& refusal : kRefusals) {
    if (text.find(refusal.words) == std::string_view::npos) continue;
    line.cause = refusal.cause;
    line.only_in_handshake = refusal.only_in_handshake;
    return true;
  }
  return false;
}

}  // namespace

std::optional<DrbdLogLine> parse_drbd_log_line(std::string_view message) {
  while (!message.empty() && (message.back() == ' ' || message.back() == '\n')) {
    message.remove_suffix(1);
  }
  std::string_view text = message;
  DrbdLogLine line;
  if (!take_speaker(line, take_until(text, ": ")) || text.empty()) return std::nullopt;
  line.text = message.substr(0, kKept);
  if (text.starts_with("Starting worker thread")) {
    line.kind = DrbdLogLine::Kind::created;
    return line;
  }
  if (take_move(line, text) || take_refusal(line, text)) return line;
  return std::nullopt;
}

}  // namespace upkeep
