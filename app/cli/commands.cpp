#include "app/cli/commands.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <type_traits>

#include "app/cli/control_client.h"
#include "app/cli/daemon_address.h"
#include "app/cli/daemon_talk.h"
#include "app/cli/exit_code.h"
#include "app/cli/json_reading.h"
#include "app/cli/offline.h"
#include "app/cli/render.h"
#include "app/recovery_json.h"
#include "exporter/model/clock.h"
#include "exporter/sources/node/node_facts.h"
#include "remediation/journal/sqlite_journal.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

void print_json(Output& output, const json& answer) {
  output.out << answer.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
}

// What each reading command asks a daemon, does without one, and prints.

Result<json> ask(const ControlClient& client, const StatusCommand& /*command*/) {
  return ask_status(client);
}

Result<json> ask(const ControlClient& client, const DrbdStatusCommand& /*command*/) {
  return ask_status(client);
}

Result<json> ask(const ControlClient& client, const PlanCommand& /*command*/) {
  return client.get("/api/v1/plan");
}

Result<json> ask(const ControlClient& client, const WhyCommand& command) {
  return client.get("/api/v1/why?target=" + url_encoded(command.target));
}

Result<json> ask(const ControlClient& client, const HistoryCommand& command) {
  if (command.recovery) return client.get(fmt::format("/api/v1/recovery?id={}", *command.recovery));
  std::string path = fmt::format("/api/v1/history?limit={}", command.limit);
  if (command.target) path += "&target=" + url_encoded(*command.target);
  return client.get(path);
}

/// The demo's boot is its own, and ends with it.
Reader reader_of(const DaemonAddress& daemon) {
  Reader reader{.now = SystemClock().wall()};
  if (daemon.demo) return reader;
  if (auto node = read_node("/")) reader.boot = std::move(node->boot_id);
  return reader;
}

Result<json> look_up(Journal& journal, const DaemonAddress& daemon,
                     const StatusCommand& /*command*/) {
  const Result<JournalState> state = journal.load();
  if (!state) return std::unexpected(state.error());
  return offline_status(*state, daemon.config, reader_of(daemon));
}

Result<json> look_up(Journal& /*journal*/, const DaemonAddress& /*daemon*/,
                     const DrbdStatusCommand& /*command*/) {
  return fail(Errc::unavailable, "the journal knows nothing of DRBD's state: try `drbdadm status`");
}

Result<json> look_up(Journal& /*journal*/, const DaemonAddress& /*daemon*/,
                     const PlanCommand& /*command*/) {
  return fail(Errc::unavailable, "only a running upkeep can plan: the journal has no facts of now");
}

Result<json> look_up(Journal& journal, const DaemonAddress& daemon, const WhyCommand& command) {
  const Result<JournalState> state = journal.load();
  if (!state) return std::unexpected(state.error());
  return offline_why(command.target, *state, daemon.config, reader_of(daemon));
}

Result<json> look_up_recovery(Journal& journal, std::int64_t id) {
  const auto recovery = journal.recovery(id);
  if (!recovery) return std::unexpected(recovery.error());
  if (!*recovery) return fail(Errc::not_found, "there is no such recovery on record");
  json answer(recovery_json(**recovery));
  answer["offline"] = true;
  return answer;
}

Result<json> look_up(Journal& journal, const DaemonAddress& /*daemon*/,
                     const HistoryCommand& command) {
  if (command.recovery) return look_up_recovery(journal, *command.recovery);
  HistoryQuery query;
  query.limit = static_cast<std::size_t>(command.limit);
  if (command.target) {
    const Result<JournalState> state = journal.load();
    if (!state) return std::unexpected(state.error());
    const Result<Target> target = resolve_target(*command.target, *state);
    if (!target) return std::unexpected(target.error());
    query.target = to_string(*target);
  }
  const Result<std::vector<HistoryEntry>> entries = journal.history(query);
  if (!entries) return std::unexpected(entries.error());
  return offline_history(*entries);
}

std::string render(const json& answer, const StatusCommand& /*command*/, const Style& style) {
  return render_status(answer, style);
}
std::string render(const json& answer, const DrbdStatusCommand& /*command*/, const Style& style) {
  return render_drbd(answer, style);
}
std::string render(const json& answer, const PlanCommand& /*command*/, const Style& style) {
  return render_plan(answer, style);
}
std::string render(const json& answer, const WhyCommand& /*command*/, const Style& style) {
  return render_why(answer, style);
}
std::string render(const json& answer, const HistoryCommand& command, const Style& style) {
  if (command.recovery) return render_recovery(answer, style);
  return render_history(answer, style);
}

template <class Command>
int read_and_print(const CommandLine& line, const Command& command, Output& output) {
  const Result<DaemonAddress> address = find_daemon(line, running_instances());
  if (!address) return failed_to_find(output, address.error());
  Result<json> answer = ask(ControlClient(*address), command);
  if (!answer && is_silence(answer.error())) {
    const Error silence = answer.error();
    const auto journal = SqliteJournal::open_read_only(address->journal);
    if (!journal) {
      failed(output, silence, kNotRunning);
      return failed(output, journal.error(), kNotRunning);
    }
    output.err << painted(fmt::format("upkeep: {}; reading {} instead", silence.message,
                                      address->journal.string()),
                          Colour::warning, output.err_style)
               << '\n';
    answer = look_up(**journal, *address, command);
  }
  if (!answer) {
    return failed(output, answer.error(), is_silence(answer.error()) ? kNotRunning : kFailed);
  }
  if (line.json) {
    // Of DRBD alone, its part; the VMs are in `upkeep status`.
    print_json(output,
               std::is_same_v<Command, DrbdStatusCommand> ? value_at(*answer, "drbd") : *answer);
  } else {
    output.out << render(*answer, command, output.out_style);
  }
  return kOk;
}

struct Order {
  std::string path;
  json body;
};

/// "web1" for "vm/web1", as targets are written elsewhere, and for "web1".
std::string bare_name(std::string_view kind, const std::string& name) {
  return name.starts_with(kind) ? name.substr(kind.size()) : name;
}

Order order_for(const MarkCommand& command) {
  json body{
      {"vm", bare_name("vm/", command.vm)}, {"keep", to_string(command.keep)}, {"by", user_name()}};
  if (!command.reason.empty()) body["reason"] = command.reason;
  return {.path = "/api/v1/mark", .body = std::move(body)};
}

Order order_for(const ReleaseCommand& command) {
  return {.path = "/api/v1/release", .body = {{"target", command.target}, {"by", user_name()}}};
}

/// The body that both words have in common.
json word_about(const char* subject, const std::string& name, const std::string& reason,
                bool undo) {
  json body{{subject, name}, {"by", user_name()}};
  if (!reason.empty()) body["reason"] = reason;
  if (undo) body["undo"] = true;
  return body;
}

Order order_for(const AllowDegradedCommand& command) {
  return {.path = "/api/v1/allow-degraded",
          .body = word_about("vm", bare_name("vm/", command.vm), command.reason, command.undo)};
}

Order order_for(const DeclareDeadCommand& command) {
  return {
      .path = "/api/v1/peer/declare-dead",
      .body = word_about("node", bare_name("peer/", command.node), command.reason, command.undo)};
}

Order order_for(const PauseCommand& command) {
  json body{{"by", user_name()}};
  if (command.target) body["target"] = *command.target;
  if (command.lasts) {
    body["for_seconds"] = command.lasts->count();
  } else {
    body["forever"] = true;
  }
  if (!command.reason.empty()) body["reason"] = command.reason;
  return {.path = "/api/v1/pause", .body = std::move(body)};
}

Order order_for(const ResumeCommand& command) {
  json body{{"by", user_name()}, {"undo", true}};
  if (command.target) body["target"] = *command.target;
  return {.path = "/api/v1/pause", .body = std::move(body)};
}

Order order_for(const MaintenanceCommand& command) {
  json body{{"by", user_name()}};
  if (!command.reason.empty()) body["reason"] = command.reason;
  if (command.end) body["undo"] = true;
  return {.path = "/api/v1/maintenance", .body = std::move(body)};
}

Order order_for(const DemoCommand& command) {
  json body{{"do", command.what}};
  // The API says "vm" for a resource as well; the part before the slash is for people.
  if (command.name) body["vm"] = command.name->substr(command.name->find('/') + 1);
  return {.path = "/api/v1/demo", .body = std::move(body)};
}

template <class Command>
int send_and_print(const CommandLine& line, const Command& command, Output& output) {
  const Result<DaemonAddress> address = find_daemon(line, running_instances());
  if (!address) return failed_to_find(output, address.error());
  const Order order = order_for(command);
  const Result<json> answer = ControlClient(*address).post(order.path, order.body);
  if (!answer) return order_failed(output, answer.error());
  output.out << printable(text_at(*answer, "text").value_or("done")) << '\n';
  return kOk;
}

}  // namespace

int read_from_daemon(const CommandLine& line, Output& output) {
  return std::visit(
      [&](const auto& command) -> int {
        if constexpr (requires { ask(std::declval<const ControlClient&>(), command); }) {
          return read_and_print(line, command, output);
        } else {
          throw std::logic_error("a command that asks the daemon nothing");
        }
      },
      line.command);
}

int order_daemon(const CommandLine& line, Output& output) {
  return std::visit(
      [&](const auto& command) -> int {
        if constexpr (requires { order_for(command); }) {
          return send_and_print(line, command, output);
        } else {
          throw std::logic_error("a command that is no order");
        }
      },
      line.command);
}

}  // namespace upkeep::cli
