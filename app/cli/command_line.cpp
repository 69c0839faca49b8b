#include "app/cli/command_line.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "app/cli/exit_code.h"
#include "app/cli/grammar.h"
#include "app/suggest.h"

namespace upkeep::cli {
namespace {

/// "upkeep drbd status"
std::string full_name(const CLI::App& at) {
  return at.get_parent() == nullptr ? "upkeep" : full_name(*at.get_parent()) + " " + at.get_name();
}

Stop usage_error(const CLI::App& at, std::string_view what) {
  const std::string name = full_name(at);
  return {kUsage, fmt::format("{}: {}; see `{} --help`", name, what, name)};
}

Stop no_command(const CLI::App& at, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* sub : at.get_subcommands({})) names.push_back(sub->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  return usage_error(at, fmt::format("no command '{}'{}", word, did_you_mean(word, known)));
}

}  // namespace

const CLI::App& Grammar::chosen() const {
  const CLI::App* at = &app_;
  for (auto below = at->get_subcommands(); !below.empty(); below = at->get_subcommands()) {
    at = below.back();
  }
  return *at;
}

std::optional<Stop> Grammar::unexpected_argument() const {
  const CLI::App& at = chosen();
  if (const std::vector<std::string> left = app_.remaining(false); !left.empty()) {
    const std::string& first = left.front();
    if (first.starts_with('-')) {
      return usage_error(app_, fmt::format("no option '{}' before the command", first));
    }
    return no_command(app_, first);
  }
  if (const std::vector<std::string> left = at.remaining(false); !left.empty()) {
    const std::string word = left.front().substr(0, left.front().find('='));
    if (!word.starts_with('-') && !at.get_subcommands({}).empty()) return no_command(at, word);
    if (!word.starts_with('-')) return usage_error(at, fmt::format("'{}' is one too many", word));
    std::vector<std::string> names;
    for (const CLI::Option* option : at.get_options()) {
      if (option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    return usage_error(at, fmt::format("no option '{}'{}", word, did_you_mean(word, known)));
  }
  return {};
}

std::expected<CommandLine, Stop> Grammar::parse(std::span<const char* const> arguments) {
  // CLI11 takes them last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app_.parse(std::move(reversed));
  } catch (const CLI::Success&) {
    return std::unexpected(Stop{kOk, app_.help()});
  } catch (const CLI::ParseError& error) {
    if (auto stop = unexpected_argument()) return std::unexpected(std::move(*stop));
    return std::unexpected(usage_error(chosen(), error.what()));
  }
  if (auto stop = unexpected_argument()) return std::unexpected(std::move(*stop));
  if (version_) {
    line_.command = VersionCommand{};
    return line_;
  }
  const auto maker = makers_.find(&chosen());
  if (maker == makers_.end()) return std::unexpected(Stop{kUsage, chosen().help()});
  line_.command = maker->second();
  if (!config_.empty()) line_.config = config_;
  if (std::holds_alternative<DemoCommand>(line_.command)) line_.demo = true;
  line_.root = root_;
  return line_;
}

std::expected<CommandLine, Stop> parse_command_line(std::span<const char* const> arguments) {
  return Grammar().parse(arguments);
}

}  // namespace upkeep::cli
