#include "remediation/effects/drbd_control.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <sstream>
#include <utility>

namespace upkeep {
namespace {

constexpr std::size_t kAtATime = 2;
/// What ending a program that hangs may take beyond its deadline (`end_group`).
constexpr int kGraces = 3;
constexpr std::size_t kErrorShown = 400;

struct Meaning {
  std::string_view text;
  Errc code;
};

// The first that stderr contains decides. Numbers in brackets are the kernel's.
constexpr std::array<Meaning, 25> kMeanings{{
    {"did not terminate within", Errc::timed_out},
    {"not found on this host", Errc::unavailable},  // An address: its network card is down.
    {"Multiple primaries not allowed", Errc::conflict},
    {"held open by someone", Errc::conflict},
    {"Need access to UpToDate data", Errc::conflict},
    {"already in use", Errc::conflict},
    {"already running", Errc::conflict},
    {"already configured", Errc::conflict},
    {"already attached", Errc::conflict},
    {"is configured!", Errc::conflict},  // drbdmeta: somebody attached it.
    {"Device has a net-config", Errc::conflict},
    {"exit code 17", Errc::conflict},
    {"exit code 11", Errc::conflict},
    {"(104)", Errc::storage},  // Can not open backing device.
    {"(105)", Errc::storage},  // Can not open meta device.
    {"(118)", Errc::storage},  // IO error(s) occurred during initial access to meta-data.
    {"(119)", Errc::storage},  // No valid meta-data signature found.
    {"No valid meta data found", Errc::storage},
    {") failed: No such file or directory", Errc::storage},  // drbdmeta: open(/dev/…)
    {") failed: No such device", Errc::storage},
    {"No such resource", Errc::not_found},
    {"Unknown resource", Errc::not_found},
    {"not defined in your config", Errc::not_found},
    {"Device minor not allocated", Errc::not_found},
    {"Operation not permitted", Errc::denied},
}};

// Other names drbdadm would take for something else than one resource, or one peer.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "all" && !name.starts_with('-') && !name.starts_with("minor-") &&
         name.find_first_of(" \t\n/:,") == std::string::npos;
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text.substr(0, kErrorShown);
}

/// drbdadm's own options come before the command, the command's behind it.
std::vector<std::string> adjust_words(std::vector<std::string> words, AdjustScope scope) {
  words.emplace_back("adjust");
  if (scope == AdjustScope::all_but_disk) words.emplace_back("--skip-disk");
  return words;
}

Result<void> without_output(const Result<std::string>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

}  // namespace

Errc drbd_errc(int exit_code, std::string_view errors) {
  for (const Meaning& meaning : kMeanings) {
    if (errors.find(meaning.text) != std::string_view::npos) return meaning.code;
  }
  switch (exit_code) {
    case 2: return Errc::invalid;  // Syntax of the configuration.
    case 5: return Errc::timed_out;
    case 11:                         // DRBD refused the change of state.
    case 17: return Errc::conflict;  // Need access to UpToDate data.
    case 16: return Errc::storage;   // No local disk.
    case 30: return Errc::exhausted;
    case 121: return Errc::unavailable;  // The module was unloaded.
    default: return Errc::failed;
  }
}

Result<std::vector<std::string>> DrbdControl::dry_run_adjust(const ResourceName& resource,
                                                             AdjustScope scope,
                                                             const Terms& terms) {
  const auto text = command(adjust_words({"-d"}, scope), {resource}, terms);
  if (!text) return std::unexpected(text.error());
  std::vector<std::string> lines;
  std::istringstream split(*text);
  for (std::string line; std::getline(split, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

Result<void> DrbdControl::adjust(const ResourceName& resource, AdjustScope scope,
                                 const Terms& terms) {
  return without_output(command(adjust_words({}, scope), {resource}, terms));
}

Result<void> DrbdControl::connect(const ResourceName& resource, const Terms& terms) {
  return without_output(command({"connect"}, {resource}, terms));
}

Result<void> DrbdControl::connect_link(const DrbdLink& link, const Terms& terms) {
  return without_output(command(
      {"connect"}, {.resource = link.resource, .volume = std::nullopt, .peer = link.peer}, terms));
}

Result<void> DrbdControl::disconnect(const ResourceName& resource, const Terms& terms) {
  return without_output(command({"disconnect"}, {resource}, terms));
}

Result<void> DrbdControl::connect_discarding_local(const ResourceName& resource,
                                                   const Terms& terms) {
  return without_output(command({"connect", "--discard-my-data"}, {resource}, terms));
}

Result<void> DrbdControl::attach(const DrbdVolume& volume, const Terms& terms) {
  return without_output(command({"attach"}, {volume.resource, volume.volume}, terms));
}

Result<void> DrbdControl::probe_backing(const DrbdVolume& volume, const Terms& terms) {
  Tick until = std::chrono::steady_clock::now() + terms.deadline;
  const Terms noting{terms.deadline, [&] {
                       auto word = terms.ask();
                       until =
                           std::min(until, std::chrono::steady_clock::now() + options_.probe_time);
                       return word;
                     }};
  const auto told = command({"sh-ll-dev"},
                            {.resource = volume.resource,
                             .volume = volume.volume,
                             .peer = std::nullopt,
                             .within = options_.probe_time},
                            noting);
  if (!told) return std::unexpected(told.error());
  const std::string path = one_line(*told);
  if (!path.starts_with('/')) {
    return fail(Errc::invalid, fmt::format("drbdadm sh-ll-dev {}/{} said '{}', which is no path",
                                           volume.resource.value, volume.volume.value, path));
  }
  return options_.probe(path, until - std::chrono::steady_clock::now());
}

Result<void> DrbdControl::promote(const ResourceName& resource, const Terms& terms) {
  return without_output(command({"primary"}, {resource}, terms));
}

Result<void> DrbdControl::demote(const ResourceName& resource, const Terms& terms) {
  return without_output(command({"secondary"}, {resource}, terms));
}

/// Given back at its end.
class DrbdControl::Turn {
 public:
  Turn(DrbdControl& control, const ResourceName& resource)
      : control_(control), resource_(resource) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { control_.end(resource_, std::move(left)); }

  Leftover left;  ///< What lives on of the command.

 private:
  DrbdControl& control_;
  const ResourceName& resource_;
};

Result<std::string> DrbdControl::command(std::vector<std::string> words, const Subject& subject,
                                         const Terms& terms) {
  const ResourceName& resource = subject.resource;
  std::string name = resource.value;
  if (subject.volume) name += fmt::format("/{}", subject.volume->value);
  if (subject.peer) name += fmt::format(":{}", subject.peer->value);
  const std::string what = fmt::format("drbdadm {} {}", fmt::join(words, " "), name);
  if (!is_plain_name(resource.value) || (subject.peer && !is_plain_name(subject.peer->value)))
    return fail(Errc::invalid, what + ": not the name of a resource");
  const Tick until = std::chrono::steady_clock::now() + terms.deadline;
  if (const auto begun = begin(resource, until); !begun) {
    return fail(begun.error().code, what + ": " + begun.error().message);
  }
  Turn turn(*this, resource);
  if (auto word = terms.ask(); !word) return std::unexpected(std::move(word.error()));
  const Duration left = until - std::chrono::steady_clock::now();
  if (left <= Duration::zero()) {
    return fail(Errc::unavailable, what + ": its time was over before it was sent");
  }
  words.insert(words.begin(), options_.drbdadm);
  words.push_back(name);
  auto result = run({.argv = std::move(words),
                     .deadline = std::min(left, subject.within.value_or(left)),
                     .kill_grace = options_.kill_grace},
                    turn.left);
  if (!result) return fail(result.error().code, what + ": " + result.error().message);
  if (result->exit_code == 0) return std::move(result->out);
  return fail(drbd_errc(result->exit_code, result->err),
              fmt::format("{}: exit code {}: {}", what, result->exit_code, one_line(result->err)));
}

Result<void> DrbdControl::begin(const ResourceName& resource, Tick until) {
  std::unique_lock lock(mutex_);
  const auto left = left_.find(resource);
  if (left != left_.end() && !left->second.gone()) {
    return fail(Errc::timed_out, "an earlier command is still running");
  }
  if (left != left_.end()) left_.erase(left);
  // Who waits for a turn holds its resource already.
  if (!taken_.insert(resource).second) {
    return fail(Errc::conflict, "another command is running on it");
  }
  for (;;) {
    const Tick now = std::chrono::steady_clock::now();
    const auto held = [now](const auto& turn) { return now < turn.second; };
    if (static_cast<std::size_t>(std::ranges::count_if(turns_, held)) < kAtATime) break;
    if (until <= now) {
      taken_.erase(resource);
      return fail(Errc::unavailable, "other DRBD commands took all the time");
    }
    Tick next = until;
    for (const auto& turn : turns_ | std::views::filter(held)) next = std::min(next, turn.second);
    changed_.wait_until(lock, next);
  }
  turns_[resource] = until + (kGraces * options_.kill_grace);
  return {};
}

void DrbdControl::end(const ResourceName& resource, Leftover left) {
  {
    const std::scoped_lock lock(mutex_);
    taken_.erase(resource);
    turns_.erase(resource);
    if (!left.gone()) left_[resource] = std::move(left);
  }
  changed_.notify_all();
}

}  // namespace upkeep
