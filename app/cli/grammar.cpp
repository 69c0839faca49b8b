// The commands and their options.

#include "app/cli/grammar.h"

#include <array>
#include <string_view>
#include <utility>

#include "app/cli/one_of.h"

namespace upkeep::cli {
namespace {

constexpr const char* kAbout =
    "Keeps this node's VMs running and its DRBD replicating, and says how they are.";
constexpr const char* kExitCodes =
    "\nExit codes:\n"
    "  0  done\n"
    "  1  not done: refused, unknown target, failed; check: warnings\n"
    "  2  wrong command line or configuration; check: errors\n"
    "  3  no daemon answers and one is needed\n"
    "\nEnvironment: UPKEEP_CONFIG (configuration file), NO_COLOR, UPKEEP_RUNTIME_DIR.\n";
constexpr const char* kTarget = "vm/NAME, resource/NAME, or just the name";

constexpr std::array<std::string_view, 2> kLogFormats{"logfmt", "json"};
constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> kKeeps{"up", "down", "ignore", "auto"};

}  // namespace

CLI::App& Grammar::command(CLI::App& group, const char* name, const char* about,
                           std::function<Command()> make) {
  CLI::App* added = group.add_subcommand(name, about);
  // Left-over arguments are ours to report: CLI11 would name them without a hint.
  added->allow_extras();
  makers_[added] = std::move(make);
  return *added;
}

void Grammar::takes_daemon(CLI::App& command) {
  command.add_option("-c,--config", config_, "Configuration file")->type_name("FILE");
  command.add_option("--root", root_)->group("");
}

void Grammar::takes_json(CLI::App& command) {
  command.add_flag("--json", line_.json, "Print JSON, as docs/http-api.md describes it");
}

void Grammar::add_run() {
  CLI::App& run = command("run", "Start the daemon in the foreground", [this] { return run_; });
  takes_daemon(run);
  run.add_flag("--demo", line_.demo, "Simulated VMs and DRBD; needs no libvirtd, harms nothing");
  run.add_option("--log.format", run_.log_format, "logfmt or json, to stderr")
      ->type_name("FORMAT")
      ->check(one_of(kLogFormats));
  run.add_option("--log.level", run_.log_level, "debug, info, warn or error")
      ->type_name("LEVEL")
      ->check(one_of(kLogLevels));

  CLI::App& check = command("check", "Check the configuration and what upkeep can see and do here",
                            [] { return CheckCommand{}; });
  takes_daemon(check);
  takes_json(check);
}

void Grammar::add_reading() {
  const auto reads = [this](CLI::App& command) {
    takes_daemon(command);
    takes_json(command);
    command.add_flag("--demo", line_.demo, "Ask the running demo");
  };
  CLI::App& status = command("status", "Show VMs, DRBD and what is being done", [this] {
    return cluster_ ? Command(ClusterStatusCommand{}) : StatusCommand{};
  });
  status.add_flag("--cluster", cluster_, "Of this node and of every [[peer]]");
  reads(status);

  reads(command("plan", "Show what would be done now in mode act, and what not, and why",
                [] { return PlanCommand{}; }));

  CLI::App& why = command("why", "Say why something is done or not done", [this] { return why_; });
  why.add_option("TARGET", why_.target, kTarget)->required();
  reads(why);

  CLI::App& history =
      command("history", "Show what happened, newest last", [this] { return history_; });
  history.add_option("--target", history_.target, kTarget)->type_name("TARGET");
  history.add_option("-n,--limit", history_.limit, "At most so many lines (1 to 1000)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  history
      .add_option("--recovery", history_.recovery,
                  "Show recovery number N VM by VM; 0 is the last one")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber)
      ->excludes("--target");
  reads(history);
}

void Grammar::add_orders() {
  CLI::App& mark = command("mark", "Say whether a VM is to run, durably", [this] {
    mark_.keep = to_keep(keep_).value_or(Keep::automatic);
    return mark_;
  });
  mark.add_option("VM", mark_.vm, "The VM's name")->required();
  mark.add_option("KEEP", keep_, "up, down, ignore or auto (as it was last seen)")
      ->required()
      ->check(one_of(kKeeps));
  mark.add_option("--reason", mark_.reason, "For those who ask later")->type_name("TEXT");

  CLI::App& release =
      command("release", "Forget failed tries and try at once", [this] { return release_; });
  release.add_option("TARGET", release_.target, kTarget)->required();
  for (CLI::App* order : {&mark, &release}) {
    takes_daemon(*order);
    order->add_flag("--demo", line_.demo, "Tell the running demo");
  }

  CLI::App& demo = command("demo", "Break something in the running demo", [this] { return demo_; });
  demo.add_option("WHAT", demo_.what, "crash, stop, power-cut, disconnect or reconnect")
      ->required();
  demo.add_option("NAME", demo_.name, "The VM to crash or stop, the DRBD resource to disconnect");
  demo.add_option("--root", root_)->group("");
}

void Grammar::add_words() {
  CLI::App& allow =
      command("allow-degraded", "Let a VM start once without its DRBD peer (within 2 h)",
              [this] { return allow_degraded_; });
  allow.add_option("VM", allow_degraded_.vm, "The VM's name")->required();
  allow.add_option("--reason", allow_degraded_.reason, "For those who ask later")
      ->type_name("TEXT");
  allow.add_flag("--undo", allow_degraded_.undo, "Take it back");

  CLI::App* peer = app_.add_subcommand("peer", "Tell upkeep about other nodes");
  peer->allow_extras();
  CLI::App& dead = command(*peer, "declare-dead",
                           "The node is off for certain: VMs that last ran here need not wait "
                           "for it (until it is seen again)",
                           [this] { return declare_dead_; });
  dead.add_option("NODE", declare_dead_.node, "The node's name")->required();
  dead.add_option("--reason", declare_dead_.reason, "For those who ask later")->type_name("TEXT");
  dead.add_flag("--undo", declare_dead_.undo, "Take it back");
  for (CLI::App* word : {&allow, &dead}) {
    takes_daemon(*word);
    word->add_flag("--demo", line_.demo, "Tell the running demo");
  }
}

void Grammar::add_pauses() {
  CLI::App& pause =
      command("pause", "Do nothing about the node, a VM or a DRBD resource for a while",
              [this] { return pauses_.pause(); });
  pauses_.declare_pause(pause);
  CLI::App& resume = command("resume", "End a pause", [this] { return pauses_.resume(); });
  pauses_.declare_resume(resume);
  CLI::App& maintenance = command("maintenance", "Do nothing until this node boots again",
                                  [this] { return pauses_.maintenance(); });
  pauses_.declare_maintenance(maintenance);
  for (CLI::App* order : {&pause, &resume, &maintenance}) {
    takes_daemon(*order);
    order->add_flag("--demo", line_.demo, "Tell the running demo");
  }
}

void Grammar::add_drbd() {
  CLI::App* drbd = app_.add_subcommand("drbd", "Look at DRBD, and end a split brain");
  drbd->allow_extras();
  CLI::App& status = command(*drbd, "status", "Show who replicates to whom, and what is wrong",
                             [] { return DrbdStatusCommand{}; });
  takes_daemon(status);
  takes_json(status);
  status.add_flag("--demo", line_.demo, "Ask the running demo");

  CLI::App& resolve = command(*drbd, "resolve", "End a split brain: say whose changes are lost",
                              [this] { return resolve_.command(); });
  resolve_.declare(resolve);
  takes_daemon(resolve);
  resolve.add_flag("--demo", line_.demo, "Tell the running demo");

  CLI::App& parse =
      command(*drbd, "parse", "Read a recorded `drbdsetup events2` and show what it comes to",
              [this] { return drbd_parse_; });
  parse.add_option("FILE", drbd_parse_.file, "The recording; - for standard input")->required();
  takes_json(parse);
}

void Grammar::add_simulate() {
  CLI::App& simulate = command("simulate", "How long would a power cut of the whole cluster last?",
                               [this] { return simulate_.command(); });
  simulate_.declare(simulate);
  simulate.add_option("-c,--config", config_, "Take the policy from this configuration file")
      ->type_name("FILE");
  takes_json(simulate);
}

void Grammar::add_metrics() {
  CLI::App& metrics = command("metrics", "List what /metrics can show, and what it means",
                              [this] { return metrics_; });
  metrics.add_flag("--json", line_.json, "Print JSON");
  metrics.add_flag("--markdown", metrics_.markdown, "Print tables as in docs/metrics.md")
      ->excludes("--json");
}

Grammar::Grammar() : app_(kAbout, "upkeep") {
  app_.allow_extras();
  app_.footer(kExitCodes);
  app_.add_flag("--version", version_, "Print the version");
  add_run();
  add_reading();
  add_orders();
  add_words();
  add_pauses();
  add_drbd();
  add_simulate();
  add_metrics();
  takes_json(command("version", "Print the version", [] { return VersionCommand{}; }));
}

}  // namespace upkeep::cli
