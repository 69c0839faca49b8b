#include "exporter/sources/replication/drbd_stream.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace upkeep {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBurst{5};              // Changes come in bursts; one reading tells all.
constexpr milliseconds kDisagreementLook{50};  // The stream is a moment behind /proc/drbd at times.
constexpr milliseconds kFirstAnswerLook{5};
constexpr milliseconds kLastAnswerLook{250};
constexpr int kHangs = 3;  // Command deadlines without any progress.

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::optional<std::string> read_proc_drbd(const std::filesystem::path& root) {
  const std::ifstream file(root / "proc/drbd");
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

DrbdStream::DrbdStream(Parts parts) : parts_(std::move(parts)), published_at_(parts_.clock.now()) {}

bool DrbdStream::hangs(Tick since) const {
  return parts_.clock.now() - since > kHangs * parts_.options.command_deadline;
}

void DrbdStream::step(const Wakeup& wakeup) {
  do_due();
  const Duration wait = std::max(Duration{}, next_due() - parts_.clock.now());
  if (program_ == nullptr) {
    if (wakeup.wait(wait)) wakeup.clear();
    return;
  }
  switch (program_->read_line(line_, answered_ ? Duration{} : wait, wakeup)) {
    case StreamingProcess::Read::line: take_line(line_); break;
    case StreamingProcess::Read::too_long:
      parts_.listener.unparsed(SourceKind::drbd, "line too long");
      restart("drbdsetup events2 printed a line without end", false);
      break;
    case StreamingProcess::Read::deadline:
      // Nothing is left to read, so all of the answer has been applied.
      if (std::exchange(answered_, false)) {
        confirmed(state_.drbd(), *std::exchange(request_at_, std::nullopt));
      }
      break;
    case StreamingProcess::Read::woken: wakeup.clear(); break;
    case StreamingProcess::Read::ended: program_ended(); break;
  }
}

void DrbdStream::do_due() {
  if (parts_.clock.now() >= look_at_) look();
  if (!version_.empty() && program_ == nullptr && parts_.clock.now() >= respawn_at_) {
    start_program();
  }
  if (publish_at_ && parts_.clock.now() >= *publish_at_) publish_change();
  if (!gave_up_ && parts_.clock.now() - published_at_ > parts_.options.give_up_after) {
    gave_up_ = true;
    parts_.sink.failed({Errc::unavailable, "read DRBD: " + problem_});
  }
}

Tick DrbdStream::next_due() const {
  Tick due = look_at_;
  if (publish_at_) due = std::min(due, *publish_at_);
  if (!version_.empty() && program_ == nullptr) due = std::min(due, respawn_at_);
  if (!gave_up_) due = std::min(due, published_at_ + parts_.options.give_up_after + kBurst);
  return due;
}

void DrbdStream::look() {
  const auto text = read_proc_drbd(parts_.options.root);
  if (!text) return module_absent();
  const ProcDrbd proc = parse_proc_drbd(*text);
  for (const std::string& what : proc.unparsed) parts_.listener.unparsed(SourceKind::drbd, what);
  if (proc.version.empty()) {
    problem_ = "/proc/drbd does not tell its version";
    look_at_ = parts_.clock.now() + parts_.options.reread_84;
    return;
  }
  if (proc.version != version_) {  // Loaded just now, or another one.
    program_.reset();
    version_ = proc.version;
    state_.set_kernel_version(version_);
    respawn_at_ = Tick{};
    back_off_ = Duration{};
  }
  look_at_ = parts_.clock.now() + (is_84() ? parts_.options.reread_84 : parts_.options.reread_9);
  if (program_ == nullptr) return;
  if (!state_.complete()) {
    if (hangs(started_)) restart("drbdsetup events2 does not answer", false);
    return;
  }
  if (is_84()) {
    look_84(proc);
  } else {
    look_9();
  }
}

void DrbdStream::look_84(const ProcDrbd& proc) {
  const Tick now = parts_.clock.now();
  Drbd drbd = state_.drbd();
  if (const auto text = disagreement(proc, drbd)) {
    if (!disagreeing_since_) disagreeing_since_ = now;
    problem_ = *text;
    look_at_ = now + kDisagreementLook;
    if (now - *disagreeing_since_ >= parts_.options.disagreement_limit) restart(*text, true);
    return;
  }
  disagreeing_since_.reset();
  merge(proc, drbd);
  confirmed(std::move(drbd), now);
}

// "n" asks for everything again; with --poll only differences are printed, and no end. But the
// program reads its input again only when it has worked off the answer, so that the line end after
// the "n" is taken then and not before.
void DrbdStream::look_9() {
  const Tick now = parts_.clock.now();
  if (!request_at_) {
    if (!program_->write("n\n")) return restart("drbdsetup events2 takes no input", false);
    request_at_ = now;
    answer_look_ = kFirstAnswerLook;
  } else if (program_->input_consumed()) {
    answered_ = true;
    look_at_ = *request_at_ + parts_.options.reread_9;
    return;
  } else if (hangs(*request_at_)) {
    return restart("drbdsetup events2 does not answer", false);
  }
  look_at_ = now + answer_look_;
  answer_look_ = std::min<Duration>(2 * answer_look_, kLastAnswerLook);
}

void DrbdStream::module_absent() {
  const Tick now = parts_.clock.now();
  program_.reset();
  request_at_.reset();
  answered_ = false;
  disagreeing_since_.reset();
  if (!std::exchange(version_, {}).empty()) tell(state_.clear({now, parts_.clock.wall()}));
  look_at_ = now + parts_.options.reread_84;
  confirmed(Drbd{}, now);
}

void DrbdStream::start_program() {
  // It would load the module if that went away a moment ago.
  if (!read_proc_drbd(parts_.options.root)) return module_absent();
  // Before anything is told of a link, so that nobody acts on half of what was logged about it.
  parts_.log.recall({parts_.options.journalctl, parts_.options.command_deadline, parts_.stop});
  started_ = parts_.clock.now();
  request_at_.reset();
  answered_ = false;
  disagreeing_since_.reset();
  publish_at_.reset();
  state_.begin_dump();
  const std::string& drbdsetup = parts_.options.drbdsetup;
  // --timestamps is of no use here, but makes 8.4's tool flush after each batch.
  auto program = StreamingProcess::start(
      is_84()
          ? std::vector<std::string>{drbdsetup, "events2", "--timestamps", "--statistics", "all"}
          : std::vector<std::string>{drbdsetup, "events2", "--full", "--poll"});
  if (!program) return restart(program.error().message, false);
  program_ = std::move(*program);
}

void DrbdStream::program_ended() {
  const auto code = program_->end();
  look_at_ = Tick{};  // Maybe the module is gone.
  restart(fmt::format("drbdsetup events2 ended with exit code {}: {}", code.value_or(-1),
                      one_line(program_->errors())),
          false);
}

void DrbdStream::restart(std::string why, bool lost_messages) {
  const Tick now = parts_.clock.now();
  const bool lived = now - started_ >= parts_.options.last_respawn;
  const Duration doubled = std::max(2 * back_off_, parts_.options.first_respawn);
  back_off_ = lived ? parts_.options.first_respawn : std::min(doubled, parts_.options.last_respawn);
  // Lost messages are no fault of the program: read everything again at once, if not too often.
  respawn_at_ = now + (lived && lost_messages ? Duration{} : back_off_);
  parts_.listener.read_finished(SourceKind::drbd, state_.complete() ? Duration{} : now - started_,
                                false);
  problem_ = std::move(why);
  program_.reset();
  request_at_.reset();
  answered_ = false;
  disagreeing_since_.reset();
  publish_at_.reset();
}

void DrbdStream::take_line(std::string_view line) {
  const Tick now = parts_.clock.now();
  // What was logged before this line comes first.
  parts_.log.read();
  const AppliedLine applied = state_.apply(line, {now, parts_.clock.wall()});
  for (const std::string& what : applied.unparsed) parts_.listener.unparsed(SourceKind::drbd, what);
  tell(applied.events);
  tell_evidence(applied);
  if (applied.resync) return restart("drbdsetup events2 lost messages", true);
  if (applied.dump_ended) {
    publish_at_.reset();
    if (is_84()) {
      look_at_ = Tick{};  // Confirmed by /proc/drbd first.
    } else {
      confirmed(state_.drbd(), started_);
    }
  } else if (applied.changed && state_.complete() && !publish_at_) {
    publish_at_ = now + kBurst;
  }
}

void DrbdStream::tell_evidence(const AppliedLine& applied) {
  for (const ResourceName& resource : applied.created) parts_.log.created(resource);
  for (const auto& [resource, peer] : applied.established) {
    parts_.log.established(resource, peer.value);
  }
  // Inside a dump what was told before still counts.
  if (!applied.evidence || !state_.complete()) return;
  StreamEvidence evidence{state_.evidence(), state_.stories()};
  if (evidence == evidence_told_) return;
  evidence_told_ = evidence;
  parts_.sink.evidence(std::move(evidence));
}

void DrbdStream::publish_change() {
  publish_at_.reset();
  Drbd drbd = state_.drbd();
  if (is_84()) {
    if (const auto text = read_proc_drbd(parts_.options.root)) {
      merge(parse_proc_drbd(*text), drbd);
    }
  }
  // While stream and /proc/drbd disagree, no event makes the reading as good as new.
  const bool doubtful = disagreeing_since_.has_value() || gave_up_;
  if (!doubtful) published_at_ = parts_.clock.now();
  if (!gave_up_) parts_.sink.reading(std::move(drbd), published_at_);
}

void DrbdStream::confirmed(Drbd drbd, Tick at) {
  parts_.listener.read_finished(SourceKind::drbd, parts_.clock.now() - at, true);
  published_at_ = at;
  gave_up_ = false;
  publish_at_.reset();
  parts_.sink.reading(std::move(drbd), at);
}

void DrbdStream::tell(const std::vector<DrbdEvent>& events) {
  for (const DrbdEvent& event : events) parts_.sink.event(event);
}

}  // namespace upkeep
