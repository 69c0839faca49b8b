#include "exporter/sources/replication/crashed_primary.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "exporter/sources/replication/drbd_stream.h"
#include "platform/process.h"

namespace upkeep {
namespace {

constexpr std::size_t kIdentifiers = 4;
constexpr std::size_t kFlagsOf84 = 7;
constexpr std::size_t kCrashedPrimaryOf84 = 6;  // The last.
constexpr std::size_t kFlagsOf9 = 12;
constexpr std::size_t kCrashedPrimaryOf9 = 3;
constexpr std::chrono::seconds kAfterFailure{10};

// The metadata are only in reach of the kernel while the disk is attached.
bool is_attached(const Stated<DrbdDisk>& disk) {
  switch (disk.kind) {
    case DrbdDisk::inconsistent:
    case DrbdDisk::outdated:
    case DrbdDisk::consistent:
    case DrbdDisk::up_to_date: return true;
    case DrbdDisk::diskless:
    case DrbdDisk::attaching:
    case DrbdDisk::detaching:
    case DrbdDisk::failed:
    case DrbdDisk::negotiating:
    case DrbdDisk::dunknown:
    case DrbdDisk::other: return false;
  }
  return false;
}

bool is_identifier(std::string_view field) {
  return field.size() == 16 &&
         field.find_first_not_of("0123456789ABCDEFabcdef") == std::string_view::npos;
}

}  // namespace

std::optional<bool> parse_crashed_primary(std::string_view text, bool is_84) {
  text = text.substr(0, text.find('\n'));
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (fields.size() != kIdentifiers + (is_84 ? kFlagsOf84 : kFlagsOf9)) return std::nullopt;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool fits =
        i < kIdentifiers ? is_identifier(fields[i]) : fields[i] == "0" || fields[i] == "1";
    if (!fits) return std::nullopt;
  }
  return fields[kIdentifiers + (is_84 ? kCrashedPrimaryOf84 : kCrashedPrimaryOf9)] == "1";
}

CrashedPrimaryWatch::CrashedPrimaryWatch(DrbdSourceOptions options, std::function<void()> changed)
    : options_(std::move(options)),
      changed_(std::move(changed)),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

std::optional<CrashedPrimaryWatch::Question> CrashedPrimaryWatch::question(
    const Drbd& drbd, const DrbdResource& resource, const DrbdDevice& device) {
  if (!resource.in_kernel || resource.role != DrbdRole::secondary || resource.peers.empty() ||
      !is_attached(device.disk)) {
    return std::nullopt;
  }
  Question asked{resource.name,    device.volume,      device.minor, resource.peers[0].node_id,
                 device.disk.text, is_version_84(drbd)};
  bool all_connected = true;
  for (const DrbdPeer& peer : resource.peers) {
    const bool connected = peer.connection == DrbdConnection::connected;
    all_connected = all_connected && connected;
    asked.state += connected ? " c" : " -";
  }
  if (all_connected) return std::nullopt;
  return asked;
}

std::set<CrashedPrimaryWatch::Question> CrashedPrimaryWatch::questions(const Drbd& drbd) {
  std::set<Question> all;
  for (const DrbdResource& resource : drbd.resources) {
    for (const DrbdDevice& device : resource.devices) {
      if (auto asked = question(drbd, resource, device)) all.insert(std::move(*asked));
    }
  }
  return all;
}

void CrashedPrimaryWatch::look(const Drbd& drbd) {
  std::set<Question> wanted = questions(drbd);
  {
    const std::scoped_lock lock(mutex_);
    if (wanted == wanted_) return;
    wanted_ = std::move(wanted);
    // A state that comes back may have another answer by then.
    std::erase_if(answers_, [&](const auto& answer) { return !wanted_.contains(answer.first); });
  }
  asked_.notify_all();
}

void CrashedPrimaryWatch::complete(Drbd& drbd) const {
  const std::scoped_lock lock(mutex_);
  if (answers_.empty()) return;
  for (DrbdResource& resource : drbd.resources) {
    for (DrbdDevice& device : resource.devices) {
      const auto asked = question(drbd, resource, device);
      if (!asked) continue;
      if (const auto at = answers_.find(*asked); at != answers_.end()) {
        device.crashed_primary = at->second;
      }
    }
  }
}

std::optional<CrashedPrimaryWatch::Question> CrashedPrimaryWatch::next() const {
  const auto at = std::ranges::find_if(
      wanted_, [&](const Question& asked) { return !answers_.contains(asked); });
  if (at == wanted_.end()) return std::nullopt;
  return *at;
}

std::optional<bool> CrashedPrimaryWatch::ask(const Question& question,
                                             const std::stop_token& stop) const {
  // drbdsetup would load the module.
  if (!read_proc_drbd(options_.root)) return std::nullopt;
  std::vector<std::string> argv{options_.drbdsetup, "get-gi"};
  if (question.is_84) {
    argv.push_back(std::to_string(question.minor.value));
  } else {
    argv.push_back(question.resource.value);
    argv.push_back(std::to_string(question.peer_node_id));
    argv.push_back(std::to_string(question.volume.value));
  }
  const auto result =
      run({.argv = std::move(argv), .deadline = options_.command_deadline, .stop = stop});
  if (!result || result->exit_code != 0) return std::nullopt;
  return parse_crashed_primary(result->out, question.is_84);
}

void CrashedPrimaryWatch::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto asked = next();
    if (!asked) {
      // What could not be read is asked again, but not at once.
      const bool failed = std::ranges::any_of(
          answers_, [](const auto& answer) { return !answer.second.has_value(); });
      const auto news = [this] { return next().has_value(); };
      if (!failed) {
        asked_.wait(lock, stop, news);
      } else if (!asked_.wait_for(lock, stop, kAfterFailure, news)) {
        std::erase_if(answers_, [](const auto& answer) { return !answer.second.has_value(); });
      }
      continue;
    }
    lock.unlock();
    const auto answer = ask(*asked, stop);
    lock.lock();
    if (!wanted_.contains(*asked)) continue;  // The state went by: so may have the answer.
    answers_[*asked] = answer;
    if (!answer) continue;
    lock.unlock();
    changed_();
    lock.lock();
  }
}

}  // namespace upkeep
