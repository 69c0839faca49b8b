#include "app/daemon/upkeep.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <string_view>
#include <system_error>
#include <utility>

#include "app/config_peers.h"
#include "app/daemon/cluster_manager.h"
#include "app/daemon/fact_reader.h"
#include "app/daemon/real_host.h"
#include "app/remediation_metrics.h"
#include "app/version.h"
#include "platform/spawn.h"
#include "remediation/journal/sqlite_journal.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

/// How long a shutdown waits for actions that are under way.
constexpr Duration kLastActions = std::chrono::seconds(2);

/// The error with what it was for in front.
std::unexpected<Error> because(std::string_view what, Error error) {
  error.message = fmt::format("{}: {}", what, error.message);
  return std::unexpected(std::move(error));
}

/// How this machine reaches the listener.
std::string url_of(std::string_view host, std::uint16_t port) {
  return fmt::format("http://{}:{}", host == "0.0.0.0" ? "127.0.0.1" : host, port);
}

/// A directory of the demo's alone, and empty.
Result<void> empty_directory(const fs::path& directory) {
  if (auto made = ensure_runtime_dir(directory); !made) return made;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    fs::remove_all(entry.path(), error);
    if (error) break;
  }
  if (!error) return {};
  return fail(Errc::failed, fmt::format("empty {}: {}", directory.string(), error.message()));
}

std::vector<NodeName> peer_names(const Config& config) {
  std::vector<NodeName> names;
  for (const PeerConfig& peer : config.peers) names.push_back(peer.name);
  return names;
}

}  // namespace

Upkeep::Upkeep(const DaemonOptions& options, UpkeepSetting setting)
    : options_(options),
      setting_(std::move(setting)),
      config_lines_(options.config_file ? config_lines(*options.config_file).value_or(ConfigLines{})
                                        : ConfigLines{}),
      config_(options.config),
      instruments_({.version = kVersion, .revision = kRevision}, instrument_labels()),
      inbox_(*setting_.clock, instruments_, setting_.log),
      service_(*setting_.clock),
      drbd_story_(setting_.log, peer_names(config_)) {}

Upkeep::~Upkeep() {
  instance_.reset();
  // Nobody may ask about what is being taken apart.
  web_.reset();
  if (host_ != nullptr) host_->fall_silent();
  if (ran_) write_last_words();
  inbox_.close();
}

Result<std::unique_ptr<Upkeep>> Upkeep::prepare(const DaemonOptions& options,
                                                UpkeepSetting setting) {
  std::unique_ptr<Upkeep> upkeep(new Upkeep(options, std::move(setting)));
  if (options.demo) {
    if (auto done = upkeep->prepare_demo(); !done) return because("demo", done.error());
  }
  if (auto done = upkeep->open_journal(); !done) return std::unexpected(done.error());
  if (auto done = upkeep->make_host(); !done) return because("demo", done.error());
  upkeep->wire();
  if (auto done = upkeep->listen(); !done) return std::unexpected(done.error());
  upkeep->announce();
  return upkeep;
}

Result<void> Upkeep::prepare_demo() {
  if (auto emptied = empty_directory(setting_.demo_dir); !emptied) return emptied;
  config_.journal = setting_.demo_dir / "upkeep.db";
  config_.http.token_file.reset();
  return {};
}

Result<void> Upkeep::open_journal() {
  auto opened = SqliteJournal::open(config_.journal);
  if (!opened) return std::unexpected(std::move(opened.error()));
  if (opened->set_aside) {
    observe_only_ = true;
    setting_.log.error("journal was damaged: upkeep only observes until it is started again",
                       {{"detail", *opened->set_aside}});
  }
  auto remembered = opened->journal->load();
  if (!remembered) return std::unexpected(std::move(remembered.error()));
  remembered_ = std::move(*remembered);
  journal_ = std::move(opened->journal);
  return {};
}

Result<void> Upkeep::make_host() {
  if (!options_.demo) {
    host_ = std::make_shared<RealHost>(config_, options_.root, setting_.clock, inbox_);
    return {};
  }
  auto demo = DemoHost::create(setting_.demo_dir / "root", setting_.clock, inbox_);
  if (!demo) return std::unexpected(std::move(demo.error()));
  demo_ = std::move(*demo);
  host_ = demo_;
  return {};
}

std::shared_ptr<const Policy> Upkeep::compile_policy() const {
  auto policy = std::make_shared<Policy>(to_policy(config_));
  // The demo's node has no other manager, whatever is on the machine it runs on.
  policy->foreign_cluster_manager =
      !options_.demo && find_cluster_manager(options_.root).has_value();
  if (observe_only_) policy->mode = Mode::observe;
  return policy;
}

void Upkeep::wire() {
  const auto& clock = setting_.clock;
  auto policy = compile_policy();
  if (policy->foreign_cluster_manager) {
    setting_.log.warn("another manager is on this node: only what is marked is touched",
                      {{"found", *find_cluster_manager(options_.root)}});
  }
  for (const PeerNameDoubt& doubt : peer_name_doubts(config_)) {
    if (doubt.is_usual) continue;
    setting_.log.warn("[[peer]] blocks may be one node",
                      {{"detail", doubt.text}, {"fix", doubt.fix}});
  }
  host_->use_checks(checks_of(policy));
  // The tools live as long as the last thread that uses them, and the host with them.
  ActionTools tools{
      .hypervisor = std::shared_ptr<HypervisorControl>(host_, &host_->hypervisor()),
      .replication = std::shared_ptr<ReplicationControl>(host_, &host_->replication()),
      .facts = std::make_shared<HostFactReader>(clock, host_, snapshots_),
      .clock = clock};
  executor_ = std::make_unique<ThreadedExecutor>(ThreadedExecutorOptions{}, std::move(tools),
                                                 [this] { inbox_.wake(); });
  recorder_ = std::make_unique<LogRecorder>(*clock, setting_.log, instruments_);
  reconciler_ = std::make_unique<Reconciler>(Reconciler::Parts{.clock = *clock,
                                                               .journal = *journal_,
                                                               .executor = *executor_,
                                                               .recorder = *recorder_,
                                                               .reread = [this] { host_->poke(); }},
                                             policy, remembered_);
  builder_ = std::make_unique<SnapshotBuilder>(*clock, *host_, setting_.log);
  loop_ = std::make_unique<Loop>(Loop::Parts{.clock = *clock,
                                             .inbox = inbox_,
                                             .builder = *builder_,
                                             .reconciler = *reconciler_,
                                             .drbd_story = drbd_story_,
                                             .instruments = instruments_,
                                             .service = service_,
                                             .snapshots = *snapshots_,
                                             .last_known = last_known_,
                                             .signals = setting_.signals,
                                             .reload = [this] { return reload(); }},
                                 policy);
  instruments_.config_loaded(true, clock->wall());
}

Result<void> Upkeep::listen() {
  auto token = WatchedToken::open(
      token_path(config_), config_.http.token_file ? MissingToken::refuse : MissingToken::make,
      {.clock = *setting_.clock, .log = setting_.log, .changed = [this](bool taken) {
         instruments_.token_read(taken);
       }});
  if (!token) return std::unexpected(std::move(token.error()));
  token_ = std::move(*token);
  instruments_.token_read(true);
  WebFrontParts parts{.identity = {.node = node_name(config_).value,
                                   .version = kVersion,
                                   .revision = kRevision,
                                   .started = setting_.clock->wall()},
                      .clock = *setting_.clock,
                      .log = setting_.log,
                      .instruments = instruments_,
                      .inbox = inbox_,
                      .journal = *journal_,
                      .snapshot = [this] { return snapshots_->get(); },
                      .view = [this] { return reconciler_->view(); },
                      .last_known = [this] { return last_known_.get(); },
                      .loop_last_run = [this] { return loop_->last_run(); },
                      .demo = {}};
  if (demo_ != nullptr) {
    parts.demo = [this](std::string_view deed, const std::optional<VmName>& vm) {
      return demo_->carry_out({.what = std::string(deed), .target = vm.value_or(VmName{}).value});
    };
  }
  auto web = WebFront::open(std::move(parts), {.http = config_.http,
                                               .token = [this] { return token_->current(); },
                                               .any_port = options_.demo});
  if (!web) return std::unexpected(std::move(web.error()));
  web_ = std::move(*web);
  note_port(config_.http.listen.port, public_port());
  note_port(config_.http.control_listen.port, control_port());
  return {};
}

void Upkeep::note_port(std::uint16_t wanted, std::uint16_t taken) {
  if (wanted == 0 || wanted == taken) return;
  notices_.push_back(
      fmt::format("port {} is taken by another program; using {} instead.", wanted, taken));
}

std::string Upkeep::public_url() const { return url_of(config_.http.listen.host, public_port()); }

void Upkeep::announce() {
  Instance instance;
  instance.pid = ::getpid();
  instance.started = setting_.clock->wall();
  instance.control_url = url_of(config_.http.control_listen.host, control_port());
  instance.public_url = public_url();
  instance.token_file = token_path(config_);
  instance.journal = config_.journal;
  instance.demo = options_.demo;
  instance.config_file = options_.config_file;
  auto written = InstanceFile::write(instance, setting_.runtime_dir);
  if (written) {
    instance_ = std::move(*written);
  } else {
    // The daemon works without; only the command line has to be told where it is.
    setting_.log.warn("the command line will not find this daemon by itself",
                      {{"error", written.error().message}});
  }
}

void Upkeep::run() {
  const auto policy =
      reconciler_->view() == nullptr ? compile_policy() : reconciler_->view()->policy;
  setting_.log.info("upkeep runs", {{"version", kVersion},
                                    {"mode", to_string(policy->mode)},
                                    {"node", node_name(config_).value},
                                    {"metrics", public_url() + "/metrics"},
                                    {"journal", config_.journal.string()}});
  host_->start();
  service_.ready("running");
  ran_ = true;
  loop_->run();
  service_.stopping();
  setting_.log.info("upkeep stops");
  // First: what has not been sent is not sent any more. Then the ledger, before the stops that a
  // shutdown of the node brings can reach it.
  executor_->stop_acting();
  reconciler_->freeze();
}

void Upkeep::write_last_words() {
  // A start that is under way takes half a second: better to know its end than to leave it to the
  // next daemon to find out.
  const Tick until = setting_.clock->now() + kLastActions;
  for (;;) {
    static_cast<void>(loop_->step());
    const Tick now = setting_.clock->now();
    if (reconciler_->view()->in_flight.empty() || now >= until) return;
    pollfd news{.fd = inbox_.fd(), .events = POLLIN, .revents = 0};
    ::poll(&news, 1, poll_timeout(now, until));
  }
}

}  // namespace upkeep
