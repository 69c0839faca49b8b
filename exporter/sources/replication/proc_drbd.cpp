#include "exporter/sources/replication/proc_drbd.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace upkeep {
namespace {

using namespace std::string_view_literals;

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Takes what stands before `separator` (or everything) off the front of `rest`.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return taken;
}

std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  return take_until(rest, ' ');
}

// The word after `label`, e.g. "0:00:47" after "finish:".
std::optional<std::string_view> word_after(std::string_view line, std::string_view label) {
  const std::size_t at = line.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(at + label.size());
  return next_word(rest);
}

// "4,752" is 4752.
std::optional<std::uint64_t> to_count(std::string_view text) {
  std::string digits(text);
  std::erase(digits, ',');
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return count;
}

void take_connection(ProcDrbdDevice& device, std::string_view word) {
  std::string_view connection = word;
  std::string_view replication = "Off";
  if (word == "WFConnection") connection = "Connecting";
  if (word == "WFReportParams") connection = "Connected";
  if (word == "Connected") replication = "Established";
  const auto sync = stated(kDrbdReplications, word);
  if (sync.kind != DrbdReplication::other) {
    connection = "Connected";
    replication = word;
  }
  if (word == "Unconfigured") {  // No network, no disk, not in use; nothing else is printed then.
    connection = "StandAlone";
    device.role = stated(kDrbdRoles, "Secondary");
    device.peer_role = stated(kDrbdRoles, "Unknown");
    device.disk = stated(kDrbdDisks, "Diskless");
    device.peer_disk = stated(kDrbdDisks, "DUnknown");
  }
  device.connection = stated(kDrbdConnections, connection);
  device.replication = stated(kDrbdReplications, replication);
}

// "10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----"
bool take_device_line(ProcDrbd& proc, std::string_view line) {
  std::string_view rest = line;
  const auto minor = to_count(take_until(rest, ':'));
  if (!minor || *minor > UINT32_MAX || word_after(rest, "cs:").value_or("").empty()) return false;
  ProcDrbdDevice device;
  device.minor = DeviceMinor{static_cast<std::uint32_t>(*minor)};
  while (!rest.empty()) {
    std::string_view value = next_word(rest);
    const std::size_t colon = value.find(':');
    if (colon == std::string_view::npos) continue;  // Protocol and flags.
    const std::string_view key = take_until(value, ':');
    if (key == "cs") take_connection(device, value);
    if (key == "ro") {
      device.role = stated(kDrbdRoles, take_until(value, '/'));
      device.peer_role = stated(kDrbdRoles, value);
    }
    if (key == "ds") {
      device.disk = stated(kDrbdDisks, take_until(value, '/'));
      device.peer_disk = stated(kDrbdDisks, value);
    }
  }
  for (const bool other :
       {device.connection == DrbdConnection::other, device.role == DrbdRole::other,
        device.disk == DrbdDisk::other, device.peer_role == DrbdRole::other,
        device.peer_disk == DrbdDisk::other}) {
    if (other) proc.unparsed.push_back(fmt::format("unknown state in '{}'", line));
  }
  proc.devices.push_back(std::move(device));
  return true;
}

// "ns:0 nr:33280 dw:33280 dr:0 al:8 bm:0 lo:1 pe:19 ua:0 ap:0 ep:1 wo:f oos:228820"
void take_counters(ProcDrbd& proc, ProcDrbdDevice& device, std::string_view line) {
  static constexpr std::array kUnused{"al"sv, "bm"sv, "lo"sv, "pe"sv,
                                      "ua"sv, "ap"sv, "ep"sv, "wo"sv};
  while (!line.empty()) {
    std::string_view value = next_word(line);
    const std::string_view key = take_until(value, ':');
    std::optional<Bytes>* to = nullptr;
    if (key == "ns") to = &device.sent;
    if (key == "nr") to = &device.received;
    if (key == "dw") to = &device.written;
    if (key == "dr") to = &device.read;
    if (key == "oos") to = &device.out_of_sync;
    if (to == nullptr) {
      if (std::ranges::find(kUnused, key) == kUnused.end()) {
        proc.unparsed.push_back(fmt::format("unknown key '{}'", key));
      }
      continue;
    }
    const auto count = to_count(value);
    if (count && *count <= UINT64_MAX / 1024) *to = kibibytes(*count);
    if (!*to) proc.unparsed.push_back(fmt::format("unknown value {}:{}", key, value));
  }
}

// "[=>..................] sync'ed: 14.1% (228820/262100)K"
bool take_progress(ProcDrbdDevice& device, std::string_view line) {
  const std::size_t open = line.find('(');
  if (open == std::string_view::npos) return false;
  std::string_view rest = line.substr(open + 1);
  const auto left = to_count(take_until(rest, '/'));
  const auto total = to_count(take_until(rest, ')'));
  if (!left || !total) return false;
  // "(0/0)": there was nothing to copy.
  const double undone =
      *total == 0 ? 0.0 : static_cast<double>(*left) / static_cast<double>(*total);
  device.done_ratio = std::clamp(1.0 - undone, 0.0, 1.0);
  return true;
}

// "finish: 0:00:47 speed: 4,752 (4,752) want: 8,192 K/sec (stalled)"
bool take_speed(ProcDrbdDevice& device, std::string_view line) {
  std::string_view finish = word_after(line, "finish:").value_or("");
  const auto hours = to_count(take_until(finish, ':'));
  const auto minutes = to_count(take_until(finish, ':'));
  const auto seconds = to_count(finish);
  const auto speed = to_count(word_after(line, "speed:").value_or(""));
  if (!hours || !minutes || !seconds || !speed) return false;
  device.eta = Seconds(static_cast<double>(*hours * 3600 + *minutes * 60 + *seconds));
  device.bytes_per_second = static_cast<double>(*speed) * 1024;
  return true;
}

// Lines of no use here; the last three only with the module parameter proc_details.
bool is_known_noise(std::string_view line) {
  static constexpr std::array kNoise{"srcversion:"sv, "GIT-hash:"sv, "Transports "sv,
                                     "resync:"sv,     "act_log:"sv,  "blocked on "sv};
  return std::ranges::any_of(kNoise, [&](std::string_view n) { return line.starts_with(n); }) ||
         line.find("% sector pos:") != std::string_view::npos;
}

bool take_line(ProcDrbd& proc, std::string_view line) {
  if (line.empty() || is_known_noise(line)) return true;
  if (line.starts_with("version:")) {
    proc.version = word_after(line, "version:").value_or("");
    return !proc.version.empty();
  }
  if (take_device_line(proc, line)) return true;
  if (proc.devices.empty()) return false;
  ProcDrbdDevice& device = proc.devices.back();
  if (line.starts_with("ns:")) return take_counters(proc, device, line), true;
  if (line.starts_with('[')) return take_progress(device, line);
  if (line.starts_with("finish:")) return take_speed(device, line);
  return false;
}

}  // namespace

ProcDrbd parse_proc_drbd(std::string_view text) {
  ProcDrbd proc;
  while (!text.empty()) {
    const std::string_view line = trimmed(take_until(text, '\n'));
    if (!take_line(proc, line)) {
      proc.unparsed.push_back(fmt::format("unknown line '{}'", line.substr(0, 120)));
    }
  }
  return proc;
}

}  // namespace upkeep
