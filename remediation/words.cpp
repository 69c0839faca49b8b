#include "remediation/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

namespace upkeep {
namespace {

std::string local_time(WallTime at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::localtime_r(&seconds, &parts) == nullptr) return "at an unknown time";
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return {text.data(), size};
}

}  // namespace

std::string on(WallTime at) { return at == WallTime{} ? std::string() : " on " + local_time(at); }

std::string until(const std::optional<WallTime>& end) {
  return " until " + (end ? local_time(*end) : "it is resumed");
}

std::string span(Duration left) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(left);
  if (seconds < std::chrono::minutes(2)) return fmt::format("{} s", seconds.count());
  return fmt::format("{} min", std::chrono::ceil<std::chrono::minutes>(left).count());
}

std::string by_whom(const std::string& by, const std::string& reason) {
  return (by.empty() ? "" : " by " + by) + (reason.empty() ? "" : ": " + reason);
}

std::string bytes_text(double bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string_view because(StopCause cause) {
  switch (cause) {
    case StopCause::none: return "it was running when last seen";
    case StopCause::never_ran: return "it has been off since upkeep first saw it";
    case StopCause::guest_shutdown:
      return "its guest shut itself down, or obeyed `virsh shutdown`,";
    case StopCause::operator_destroy: return "it was stopped on purpose with `virsh destroy`";
    case StopCause::saved: return "it was saved on purpose with `virsh managedsave`";
    case StopCause::moved_away: return "it moved to another node";
    case StopCause::undefined_vm: return "it was undefined on purpose";
    case StopCause::crashed: return "it crashed";
    case StopCause::start_failed: return "a start of it failed";
    case StopCause::host_shutdown: return "it was stopped because this node was going down";
    case StopCause::node_down: return "this node went down under it";
    case StopCause::unobserved: return "it went off while nobody looked";
  }
  return "";
}

std::string who_wants(const Wish& wish, const Intent* line) {
  switch (wish.authority) {
    case Wish::Authority::mark: {
      const Mark& mark = *line->mark;
      return fmt::format("{} marked it {}{}{}", mark.by.empty() ? "somebody" : mark.by,
                         to_string(wish.keep), on(mark.at),
                         mark.reason.empty() ? "" : " (" + mark.reason + ")");
    }
    case Wish::Authority::config:
      return fmt::format("the configuration says keep = \"{}\"", to_string(wish.keep));
    case Wish::Authority::automatic: break;
  }
  return fmt::format(
      "auto: {}{}", because(line == nullptr ? StopCause::never_ran : line->last_stop),
      line == nullptr || line->last_stop == StopCause::none ? "" : on(line->changed));
}

std::string state_of(const Vm& vm) {
  std::string state(to_string(vm.state));
  std::ranges::replace(state, '_', ' ');
  return fmt::format("{} ({})", state, to_string(vm.reason));
}

std::string vm_headline(const Vm& vm, const Wish& wish, const Intent* line) {
  const std::string& name = vm.name.value;
  const std::string why = who_wants(wish, line);
  if (is_up(vm.state)) {
    if (wish.keep == Keep::up) return name + " is up, as it should be.";
    return fmt::format("{} is up. upkeep would not start it again: {}.", name, why);
  }
  if (!is_down(vm.state)) {
    return fmt::format("{} is {}. upkeep starts only what is off, and leaves this to a person.",
                       name, state_of(vm));
  }
  if (wish.keep == Keep::up) return fmt::format("{} is down and wanted ({}).", name, why);
  if (wish.keep == Keep::ignore) return fmt::format("{} is left alone: {}.", name, why);
  if (wish.authority != Wish::Authority::automatic || line == nullptr) {
    return fmt::format("{} stays down: {}.", name, why);
  }
  std::string when = line->last_stop == StopCause::never_ran ? "" : on(line->changed);
  return fmt::format("{} stays down: {}{}. `upkeep mark {} up` makes upkeep want it again.", name,
                     because(line->last_stop), when, name);
}

}  // namespace upkeep
