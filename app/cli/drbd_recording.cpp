#include "app/cli/drbd_recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "app/cli/exit_code.h"
#include "app/cli/json_reading.h"
#include "app/cli/render.h"
#include "app/web/answers.h"
#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/link_evidence.h"

namespace upkeep::cli {
namespace {

using namespace std::string_view_literals;

struct Recording {
  Drbd drbd;
  std::size_t unparsed = 0;  // Lines.
};

// Keys that 8.4's tools never print.
bool is_of_9(std::string_view text) {
  constexpr std::array kKeys{" may_promote:"sv, " backing_dev:"sv, " peer-client:"sv};
  return std::ranges::any_of(
      kKeys, [&](std::string_view key) { return text.find(key) != std::string_view::npos; });
}

// "[timestamp ]exists OBJECT …", not the end of a dump.
bool begins_a_dump(std::string_view line) {
  if (!line.empty() && line.front() >= '0' && line.front() <= '9') {
    line.remove_prefix(std::min(line.find(' '), line.size() - 1) + 1);
  }
  return line.starts_with("exists ") && !line.starts_with("exists -");
}

Recording read(const std::string& text, Output& output) {
  Recording recording;
  DrbdState state(is_of_9(text) ? "9" : "8.4");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;  // Where the recording came from.
    // A stream that was started again tells everything anew.
    if (state.complete() && begins_a_dump(line)) state.begin_dump();
    const AppliedLine applied = state.apply(line, {});
    if (applied.unparsed.empty()) continue;
    ++recording.unparsed;
    for (const std::string& what : applied.unparsed) output.err << printable(what) << '\n';
  }
  recording.drbd = state.drbd();
  const auto split_brains = state.evidence();
  for (DrbdResource& resource : recording.drbd.resources) {
    if (const auto split = split_brains.find(resource.name); split != split_brains.end()) {
      resource.split_brain = split->second;
    }
    const auto told = state.stories().find(resource.name);
    if (told != state.stories().end()) judge_losses(told->second, resource);
  }
  return recording;
}

nlohmann::json status_of(Drbd drbd) {
  auto snapshot = std::make_shared<Snapshot>();
  const SystemClock clock;
  snapshot->at = clock.now();
  snapshot->wall = clock.wall();
  snapshot->drbd = {std::make_shared<const Drbd>(std::move(drbd)), snapshot->at};
  web::Moment moment;
  moment.now = snapshot->at;
  moment.wall = snapshot->wall;
  moment.snapshot = std::move(snapshot);
  return nlohmann::json::parse(web::status_json(moment));
}

}  // namespace

int parse_recording(const DrbdParseCommand& command, bool json, Output& output) {
  std::ostringstream text;
  if (command.file == "-") {
    text << std::cin.rdbuf();
  } else {
    const std::ifstream file(command.file);
    if (file) text << file.rdbuf();
    if (!file || !text) {
      output.err << painted(fmt::format("upkeep: {} can't be read", command.file), Colour::bad,
                            output.err_style)
                 << '\n';
      return kFailed;
    }
  }
  Recording recording = read(text.str(), output);
  const nlohmann::json status = status_of(std::move(recording.drbd));
  if (json) {
    nlohmann::json drbd = value_at(status, "drbd");
    drbd["unparsed"] = recording.unparsed;
    output.out << drbd.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  } else {
    output.out << render_drbd(status, output.out_style)
               << fmt::format("unparsed: {}\n", recording.unparsed);
  }
  return recording.unparsed == 0 ? kOk : kFailed;
}

}  // namespace upkeep::cli
