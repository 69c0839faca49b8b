#include "app/declared_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "app/cli/times.h"
#include "remediation/gates/pause.h"

namespace upkeep {
namespace {

using Json = nlohmann::ordered_json;

Json text_json(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// "node", "vm/web1", "resource/r0" or "peer/node2"; a VM that nobody knows any more by its UUID.
std::string subject_of(const Standing& said, const History& history) {
  if (is_pause(said)) {
    const std::string target = paused_target(said, history);
    return target.empty() ? "node" : target;
  }
  if (said.kind == Standing::Kind::peer_dead) return "peer/" + said.subject;
  const auto line = history.intents.find(VmUuid{said.subject});
  return "vm/" + (line == history.intents.end() ? said.subject : line->second.name.value);
}

}  // namespace

Json declared_json(const History& history) {
  Json list = Json::array();
  for (const auto& [key, said] : history.standings) {
    if (said.kind == Standing::Kind::disk_lost) continue;
    list.push_back({{"what", to_string(said.kind)},
                    {"subject", subject_of(said, history)},
                    {"by", text_json(said.by)},
                    {"reason", text_json(said.reason)},
                    {"at", cli::to_rfc3339(said.at)},
                    {"until", said.until ? Json(cli::to_rfc3339(*said.until)) : Json()}});
  }
  return list;
}

}  // namespace upkeep
