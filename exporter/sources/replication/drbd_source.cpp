#include "exporter/sources/replication/drbd_source.h"

#include <algorithm>
#include <utility>

#include "exporter/sources/replication/drbd_reader.h"
#include "exporter/sources/replication/missing_backing.h"

namespace upkeep {

DrbdSource::DrbdSource(DrbdSourceOptions options, const Clock& clock, SourceListener& listener)
    : options_(std::move(options)),
      clock_(clock),
      listener_(listener),
      log_(options_.root, clock),
      in_use_(options_.enabled != DrbdSourceOptions::Enabled::off) {}

void DrbdSource::start() {
  if (options_.enabled == DrbdSourceOptions::Enabled::off) return;
  config_ = std::make_unique<DrbdConfigWatch>(
      DrbdConfigRequest{options_.root, options_.drbdadm, options_.command_deadline, options_.host},
      options_.reread_config, [this] { poke(); });
  crashed_primary_ = std::make_unique<CrashedPrimaryWatch>(options_, [this] { poke(); });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void DrbdSource::poke() {
  poked_.store(true);
  wakeup_.set();
}

void DrbdSource::run(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] { wakeup_.set(); });
  DrbdStream stream({options_, clock_, listener_, *this, log_, stop});
  while (!stop.stop_requested()) {
    if (poked_.exchange(false)) stream.look_soon();
    stream.step(wakeup_);
  }
}

Observed<std::shared_ptr<const Drbd>> DrbdSource::latest() const {
  if (options_.enabled == DrbdSourceOptions::Enabled::off) {
    return {fail(Errc::unavailable, "DRBD is switched off in the configuration"), clock_.now()};
  }
  const auto latest = latest_.get();
  return latest == nullptr ? Observed<std::shared_ptr<const Drbd>>{} : *latest;
}

std::optional<Error> DrbdSource::config_error() const {
  if (config_ == nullptr) return std::nullopt;
  const auto config = config_->latest();
  if (config->resources || config->drbdadm_missing) return std::nullopt;
  return config->resources.error();
}

Result<std::shared_ptr<const Drbd>> DrbdSource::read_now(Duration deadline) const {
  if (options_.enabled == DrbdSourceOptions::Enabled::off) {
    return fail(Errc::unavailable, "DRBD is switched off in the configuration");
  }
  auto drbd = read_drbd(options_, deadline);
  if (!drbd) return std::unexpected(drbd.error());
  complete(*drbd);
  return std::make_shared<const Drbd>(std::move(*drbd));
}

void DrbdSource::complete(Drbd& drbd) const {
  if (config_ != nullptr) {
    const auto config = config_->latest();
    merge(*config, drbd);
    note_missing_backing(*config, options_.root, drbd);
  }
  if (crashed_primary_ != nullptr) crashed_primary_->complete(drbd);
  if (!drbd.module_loaded && drbd.resources.empty()) return;
  log_.read();
  if (const auto problem = log_.problem()) drbd.kernel_log_problem = problem->message;
  const auto told = evidence_.get();
  static const std::map<std::uint32_t, LinkStory> kNoStories;
  for (DrbdResource& resource : drbd.resources) {
    const std::map<std::uint32_t, LinkStory>* stories = &kNoStories;
    resource.split_brain = streamed_split_brain(resource.name);
    if (told != nullptr) {
      const auto found = told->stories.find(resource.name);
      if (found != told->stories.end()) stories = &found->second;
    }
    judge_losses(*stories, log_, resource);
  }
}

std::optional<SplitBrainEvidence> DrbdSource::streamed_split_brain(
    const ResourceName& resource) const {
  const auto told = evidence_.get();
  if (told == nullptr) return std::nullopt;
  const auto split = told->split_brain.find(resource);
  if (split == told->split_brain.end()) return std::nullopt;
  const std::scoped_lock lock(settled_mutex_);
  const auto settled = settled_.find(resource);
  if (settled != settled_.end() && settled->second == split->second) return std::nullopt;
  return split->second;
}

std::function<void()> DrbdSource::split_brain_settler(const ResourceName& resource) {
  log_.read();
  return [this, resource, logged = log_.told(), streamed = streamed_split_brain(resource)] {
    log_.settle_split_brain(resource, logged);
    if (streamed) {
      const std::scoped_lock lock(settled_mutex_);
      settled_[resource] = *streamed;
    }
    poke();
  };
}

void DrbdSource::reading(Drbd drbd, Tick at) {
  judge_in_use(drbd.module_loaded);
  crashed_primary_->look(drbd);
  complete(drbd);
  // An equal reading is shared with the one before: only its time is new.
  const auto before = latest_.get();
  auto value = before != nullptr && before->reading && **before->reading == drbd
                   ? *before->reading
                   : std::make_shared<const Drbd>(std::move(drbd));
  latest_.set(std::make_shared<const Observed<std::shared_ptr<const Drbd>>>(
      Observed<std::shared_ptr<const Drbd>>{std::move(value), at}));
  listener_.published(SourceKind::drbd);
}

void DrbdSource::failed(Error error) {
  latest_.set(std::make_shared<const Observed<std::shared_ptr<const Drbd>>>(
      Observed<std::shared_ptr<const Drbd>>{std::unexpected(std::move(error)), clock_.now()}));
  listener_.published(SourceKind::drbd);
}

void DrbdSource::event(DrbdEvent event) {
  name_peer(*config_->latest(), event);
  listener_.drbd_event(event);
}

void DrbdSource::evidence(StreamEvidence evidence) {
  evidence_.set(std::make_shared<const StreamEvidence>(std::move(evidence)));
}

void DrbdSource::judge_in_use(bool module_loaded) {
  if (options_.enabled != DrbdSourceOptions::Enabled::automatic) return;
  const auto config = config_->latest();
  // What isn't known may be configured.
  const bool configured =
      config->resources ? !config->resources->empty() : !config->drbdadm_missing;
  in_use_.store(module_loaded || configured);
}

}  // namespace upkeep
