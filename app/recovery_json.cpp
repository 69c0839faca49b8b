#include "app/recovery_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "app/cli/times.h"

namespace upkeep {
namespace {

using Json = nlohmann::ordered_json;

Json time_json(const std::optional<WallTime>& at) {
  return at ? Json(cli::to_rfc3339(*at)) : Json();
}

/// From the recovery's begin; null while it isn't over.
Json seconds_json(const Recovery& recovery, const std::optional<WallTime>& until) {
  return until ? Json(Seconds(*until - recovery.opened).count()) : Json();
}

Json member_json(const Recovery& recovery, const RecoveryMember& member) {
  Json phases = Json::object();
  for (const std::string_view phase : kOutagePhases) {
    const auto took = member.phases.find(phase);
    phases[std::string(phase)] = took == member.phases.end() ? Json() : Json(took->second.count());
  }
  return {{"name", member.name.value},
          {"uuid", member.uuid.value},
          {"state", to_string(member.state)},
          {"hold", member.why.empty() ? Json() : Json(member.why)},
          {"back_at", time_json(member.back_at)},
          {"back_after_seconds", seconds_json(recovery, member.back_at)},
          {"phases", phases}};
}

}  // namespace

Json recovery_summary_json(const Recovery& recovery) {
  Json states = Json::object();
  for (const MemberState state : kMemberStates) {
    states[std::string(to_string(state))] = count_of(recovery, state);
  }
  return {{"id", recovery.id},
          {"cause", to_string(recovery.cause)},
          {"detail", recovery.detail},
          {"opened_at", time_json(recovery.opened)},
          {"ended_at", time_json(recovery.ended)},
          {"seconds", seconds_json(recovery, recovery.ended)},
          {"states", states}};
}

Json recovery_json(const Recovery& recovery) {
  Json json = recovery_summary_json(recovery);
  json["vms"] = Json::array();
  for (const RecoveryMember& member : recovery.members) {
    json["vms"].push_back(member_json(recovery, member));
  }
  return json;
}

}  // namespace upkeep
