#include "exporter/sources/replication/link_evidence.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

namespace upkeep {
namespace {

// Lines kept of one resource or device. An attempt to connect takes about ten; what is older only
// matters as far as it tells that a link was set up, and not to know that is the safe side.
constexpr std::size_t kKept = 256;

using Knowledge = LinkStory::Knowledge;

bool is_split_brain(const DrbdLogLine& line) {
  return line.kind == DrbdLogLine::Kind::refused && line.cause == LinkLossCause::split_brain;
}

void tell(LinkStory& story, const DrbdLogLine& line, WallTime at) {
  switch (line.kind) {
    case DrbdLogLine::Kind::created: story.created(); return;
    case DrbdLogLine::Kind::refused:
      if (line.only_in_handshake && story.phase() != LinkPhase::handshake) return;
      story.refused({line.cause, line.text, at});
      return;
    case DrbdLogLine::Kind::moved:
      story.was(line.from);
      story.moved(line.to, line.text, at);
      return;
  }
}

bool is_known(const LinkStory& story) {
  return story.knowledge() == Knowledge::lost && story.loss() &&
         story.loss()->cause != LinkLossCause::unknown;
}

std::optional<LinkLoss> judge(const LinkStory& streamed, const LinkStory& logged) {
  if (is_known(logged)) return logged.loss();
  if (is_known(streamed)) return streamed.loss();
  if (logged.knowledge() == Knowledge::lost) return logged.loss();
  if (streamed.knowledge() == Knowledge::lost) return streamed.loss();
  if (logged.knowledge() == Knowledge::never_lost ||
      streamed.knowledge() == Knowledge::never_lost) {
    return std::nullopt;
  }
  // The log is newer than the reading, and knows that it is no more: a bring-up is under way.
  if (logged.never_ended()) return std::nullopt;
  return LinkLoss{LinkLossCause::unknown, "nothing tells how it became StandAlone", {}};
}

void judge_loss(const std::map<std::uint32_t, LinkStory>& streamed, const LinkStory& logged,
                DrbdPeer& peer) {
  peer.loss.reset();
  if (peer.connection != DrbdConnection::stand_alone) return;
  const auto told = streamed.find(peer.node_id);
  peer.loss = judge(told == streamed.end() ? logged : told->second, logged);
}

}  // namespace

void LinkEvidence::read() {
  const std::scoped_lock lock(mutex_);
  auto read =
      log_.drain([this](const KernelLogRecord& record) { take(record); }, [this] { forget(); });
  if (read) {
    problem_.reset();
  } else {
    problem_ = std::move(read.error());
  }
}

void LinkEvidence::recall(const KernelJournalRequest& request) {
  read();
  const auto ring = take_what_is_lost();
  if (!ring) return;
  auto past = read_kernel_journal(request, *ring);
  const std::scoped_lock lock(mutex_);
  if (!past) {
    past_problem_ = std::move(past.error());
    past_problem_->message.insert(0, "the ring buffer has lost its beginning; ");
    return;
  }
  if (!past->whole) {
    past_problem_ = {Errc::unavailable,
                     "ring buffer and journal have lost some of what was logged since the boot"};
  }
  remember(*past);
}

std::optional<KernelLogBeginning> LinkEvidence::take_what_is_lost() {
  const std::scoped_lock lock(mutex_);
  if (asked_ || problem_) return std::nullopt;
  asked_ = true;
  const auto& ring = log_.beginning();
  return ring && ring->sequence > 0 ? ring : std::nullopt;
}

void LinkEvidence::remember(const KernelPast& past) {
  std::vector<Fact> facts;
  const auto lose = [&] {
    std::erase_if(facts, [](const Fact& fact) { return !is_split_brain(fact.line); });
    // Whether they ended meanwhile only the stream can tell.
    overrun_ = overrun_ || !facts.empty();
  };
  for (const JournalRecord& record : past.records) {
    if (record.kind == JournalRecord::Kind::missed) {
      lose();
      continue;
    }
    const KernelLogRecord said{record.since_boot, record.message};
    auto line = parse_drbd_log_line(said.message);
    // journalctl says nothing of a file that is damaged inside or closed to us: the journal can
    // name a cause, but not tell that nothing ended a link since it was created.
    if (!line || line->kind == DrbdLogLine::Kind::created) continue;
    facts.push_back(fact_of(said, std::move(*line)));
  }
  if (overrun_) lose();  // Records went missing since.
  // For the same reason only the stream can tell whether a split brain ended meanwhile.
  overrun_ = overrun_ ||
             std::ranges::any_of(facts, [](const Fact& fact) { return is_split_brain(fact.line); });
  std::uint64_t number = kFirstOfTheBuffer;
  for (Fact& fact : std::views::reverse(facts)) {
    fact.number = number--;
    Facts& known = facts_of(fact.line);
    if (known.size() < kKept) known.push_front(std::move(fact));
  }
}

std::optional<Error> LinkEvidence::problem() const {
  const std::scoped_lock lock(mutex_);
  return problem_ ? problem_ : past_problem_;
}

void LinkEvidence::take(const KernelLogRecord& record) {
  if (auto line = parse_drbd_log_line(record.message)) add(fact_of(record, std::move(*line)));
}

LinkEvidence::Fact LinkEvidence::fact_of(const KernelLogRecord& record, DrbdLogLine line) const {
  // printk's clock and ours both begin at boot.
  const auto age = clock_.now().time_since_epoch() - record.since_boot;
  return {0, clock_.wall() - std::chrono::duration_cast<WallTime::duration>(age), std::move(line)};
}

LinkEvidence::Facts& LinkEvidence::facts_of(const DrbdLogLine& line) {
  return line.minor ? by_minor_[*line.minor] : by_resource_[line.resource];
}

void LinkEvidence::add(Fact fact) {
  fact.number = ++told_;
  Facts& facts = facts_of(fact.line);
  facts.push_back(std::move(fact));
  if (facts.size() > kKept) facts.pop_front();
}

void LinkEvidence::lost_records() {
  const std::scoped_lock lock(mutex_);
  forget();
}

void LinkEvidence::forget() {
  overrun_ = true;
  // What is missing may have undone anything.
  const auto keep_split_brains = [](auto& speakers) {
    for (auto& [speaker, facts] : speakers) {
      std::erase_if(facts, [](const Fact& fact) { return !is_split_brain(fact.line); });
    }
  };
  keep_split_brains(by_resource_);
  keep_split_brains(by_minor_);
}

void LinkEvidence::created(const ResourceName& resource) {
  const std::scoped_lock lock(mutex_);
  DrbdLogLine line;
  line.kind = DrbdLogLine::Kind::created;
  line.resource = resource.value;
  add({0, clock_.wall(), std::move(line)});
}

void LinkEvidence::established(const ResourceName& resource, const std::string& peer) {
  const std::scoped_lock lock(mutex_);
  if (!overrun_) return;
  DrbdLogLine line;
  line.resource = resource.value;
  line.peer = peer == kPeerOf84 ? std::string() : peer;
  line.from = LinkPhase::handshake;
  line.to = LinkPhase::established;
  add({0, clock_.wall(), std::move(line)});
}

std::uint64_t LinkEvidence::told() const {
  const std::scoped_lock lock(mutex_);
  return told_;
}

void LinkEvidence::settle_split_brain(const ResourceName& resource, std::uint64_t told) {
  const std::scoped_lock lock(mutex_);
  settled_[resource] = told;
}

LinkStory LinkEvidence::story(const DrbdResource& resource, const std::string& peer) const {
  const std::scoped_lock lock(mutex_);
  std::vector<const Fact*> facts;
  const auto collect = [&](const Facts& from) {
    for (const Fact& fact : from) {
      if (fact.line.peer.empty() || fact.line.peer == peer) facts.push_back(&fact);
    }
  };
  if (const auto at = by_resource_.find(resource.name.value); at != by_resource_.end()) {
    collect(at->second);
  }
  for (const DrbdDevice& device : resource.devices) {
    if (const auto at = by_minor_.find(device.minor); at != by_minor_.end()) collect(at->second);
  }
  std::ranges::sort(facts, {}, &Fact::number);
  LinkStory story(LinkStory::Witness::kernel_log);
  const auto settled = settled_.find(resource.name);
  const std::uint64_t settled_until = settled == settled_.end() ? 0 : settled->second;
  for (const Fact* fact : facts) {
    tell(story, fact->line, fact->at);
    if (fact->number <= settled_until) story.settle_split_brain();
  }
  return story;
}

void judge_losses(const std::map<std::uint32_t, LinkStory>& streamed, const LinkEvidence& log,
                  DrbdResource& resource) {
  for (DrbdPeer& peer : resource.peers) {
    const LinkStory logged = log.story(resource, peer.name.value);
    if (!resource.split_brain) resource.split_brain = logged.split_brain();
    judge_loss(streamed, logged, peer);
  }
}

void judge_losses(const std::map<std::uint32_t, LinkStory>& streamed, DrbdResource& resource) {
  const LinkStory nothing_logged(LinkStory::Witness::kernel_log);
  for (DrbdPeer& peer : resource.peers) judge_loss(streamed, nothing_logged, peer);
}

}  // namespace upkeep
