#include "app/cli/resolve.h"

#include <fmt/format.h>

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <thread>

#include "app/cli/control_client.h"
#include "app/cli/daemon_address.h"
#include "app/cli/daemon_talk.h"
#include "app/cli/exit_code.h"
#include "app/cli/json_reading.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

constexpr const char* kPath = "/api/v1/drbd/resolve";

std::string text_or_nothing(const json& object, const char* key) {
  return printable(text_at(object, key).value_or(""));
}

/// One run of the command, with everything it needs.
class Resolution {
 public:
  Resolution(const DrbdResolveCommand& command, DaemonAddress address, Output& output,
             const Dialogue& dialogue)
      : command_(command), client_(std::move(address)), output_(output), dialogue_(dialogue) {}

  int run();

 private:
  [[nodiscard]] bool discards() const { return command_.side == SplitBrainSide::discard_local; }
  void show(const json& preview);
  /// Why it is not confirmed; empty when it is.
  [[nodiscard]] std::string unconfirmed(const json& preview);
  [[nodiscard]] std::string undiscarded(const std::string& name, const std::string& node);
  [[nodiscard]] std::string unkept(const std::string& name);
  [[nodiscard]] std::string answer_to(const std::string& question);
  int send(const json& preview);
  int follow(const json& begun, const std::string& name);
  /// The line that tells of the action's end, once there is one.
  [[nodiscard]] Result<json> look_for_end(const json& begun, const std::string& name) const;

  const DrbdResolveCommand& command_;
  ControlClient client_;
  Output& output_;
  const Dialogue& dialogue_;
};

int Resolution::run() {
  const Result<json> preview = client_.get(fmt::format(
      "{}?resource={}&side={}", kPath, url_encoded(command_.resource), to_string(command_.side)));
  if (!preview) return order_failed(output_, preview.error());
  show(*preview);
  if (const auto refusal = text_at(*preview, "refusal")) {
    return failed(output_, {Errc::conflict, printable(*refusal)}, kFailed);
  }
  if (const std::string why = unconfirmed(*preview); !why.empty()) {
    return failed(output_, {Errc::conflict, why + "; nothing was done"}, kFailed);
  }
  return send(*preview);
}

void Resolution::show(const json& preview) {
  const std::string name = text_or_nothing(preview, "resource");
  const std::string node = text_or_nothing(preview, "node");
  const std::string head = fmt::format("{} on {}: this node's changes are {}", name, node,
                                       discards() ? "LOST" : "kept, the other node's are lost");
  output_.out << painted(head, discards() ? Colour::bad : Colour::warning, output_.out_style)
              << '\n';
  for (const json& fact : list_at(preview, "facts")) {
    if (fact.is_string()) output_.out << "  " << printable(fact.get<std::string>()) << '\n';
  }
}

std::string Resolution::unconfirmed(const json& preview) {
  const std::string name = text_or_nothing(preview, "resource");
  return discards() ? undiscarded(name, text_or_nothing(preview, "node")) : unkept(name);
}

std::string Resolution::undiscarded(const std::string& name, const std::string& node) {
  if (command_.yes_discard_data_on) {
    if (*command_.yes_discard_data_on == node) return "";
    return fmt::format("this node is {}, not {}", node, printable(*command_.yes_discard_data_on));
  }
  if (!dialogue_.has_person) {
    return fmt::format("there is no terminal to confirm it on: say --yes-discard-data-on {}", node);
  }
  const std::string answer =
      answer_to(fmt::format("Type the resource's name to give up what {} wrote to it: ", node));
  return answer == name ? "" : fmt::format("'{}' is not '{}'", printable(answer), name);
}

std::string Resolution::unkept(const std::string& name) {
  if (command_.yes) return "";
  if (!dialogue_.has_person) return "there is no terminal to confirm it on: say --yes";
  const std::string answer = answer_to(fmt::format(
      "Connect {} and keep this node's data? The other node must be the one that gives up its "
      "changes, its VM off. [y/N] ",
      name));
  return answer == "y" || answer == "Y" || answer == "yes" ? "" : "not confirmed";
}

std::string Resolution::answer_to(const std::string& question) {
  output_.out << question << std::flush;
  std::string answer;
  std::getline(dialogue_.in, answer);
  return answer;
}

int Resolution::send(const json& preview) {
  const std::string name = text_or_nothing(preview, "resource");
  json body{{"resource", name}, {"side", to_string(command_.side)}, {"by", user_name()}};
  if (!command_.reason.empty()) body["reason"] = command_.reason;
  if (discards()) body["confirm"] = value_at(preview, "node");
  const Result<json> begun = client_.post(kPath, body);
  if (!begun) return order_failed(output_, begun.error());
  output_.out << text_or_nothing(*begun, "text") << '\n' << std::flush;  // seen while it goes on
  return follow(*begun, name);
}

Result<json> Resolution::look_for_end(const json& begun, const std::string& name) const {
  const auto lines =
      client_.get("/api/v1/history?limit=50&target=" + url_encoded("resource/" + name));
  if (!lines) return std::unexpected(lines.error());
  for (const json& line : list_at(*lines, "entries")) {
    if (text_at(line, "kind") == "end" &&
        value_at(line, "action_id") == value_at(begun, "action_id")) {
      return line;
    }
  }
  return json();
}

int Resolution::follow(const json& begun, const std::string& name) {
  const auto until = std::chrono::steady_clock::now() + dialogue_.patience;
  const std::string elsewhere = fmt::format("see `upkeep history --target resource/{}`", name);
  if (value_at(begun, "action_id").is_null()) {
    return failed(output_, {Errc::failed, "what becomes of it can't be followed: " + elsewhere},
                  kFailed);
  }
  for (;;) {
    const Result<json> end = look_for_end(begun, name);
    if (!end) return failed(output_, end.error(), kFailed);
    if (const auto text = text_at(*end, "text")) {
      const bool done = text->starts_with("resolve_split_brain succeeded");
      if (!done) return failed(output_, {Errc::failed, name + ": " + printable(*text)}, kFailed);
      output_.out << name << ": " << printable(*text) << '\n'
                  << (discards() ? "Then, " : "If not yet done, ") << text_or_nothing(begun, "next")
                  << '\n';
      return kOk;
    }
    if (std::chrono::steady_clock::now() >= until) {
      return failed(
          output_, {Errc::timed_out, fmt::format("{}: it is still under way; {}", name, elsewhere)},
          kFailed);
    }
    std::this_thread::sleep_for(dialogue_.between_looks);
  }
}

}  // namespace

int resolve_split_brain(const CommandLine& line, Output& output, const Dialogue& dialogue) {
  const Result<DaemonAddress> address = find_daemon(line, running_instances());
  if (!address) return failed_to_find(output, address.error());
  return Resolution(std::get<DrbdResolveCommand>(line.command), *address, output, dialogue).run();
}

}  // namespace upkeep::cli
