#include "app/web/answers.h"

#include "app/web/json_parts.h"
#include "remediation/sight.h"

namespace upkeep::web {
namespace {

/// Before the loop has decided once nothing is on record.
Json active_vms(const Moment& moment) {
  static const Policy no_policy;
  static const History no_history;
  const auto active =
      upkeep::active_vms({.snapshot = *moment.snapshot,
                          .policy = moment.view ? *moment.view->policy : no_policy,
                          .history = moment.view ? moment.view->history : no_history,
                          .now = moment.now});
  if (!active) return nullptr;
  Json list = Json::array();
  for (const VmUuid& uuid : *active) list.push_back(uuid.value);
  return list;
}

/// Null while it is not known: that must not look like "not wanted".
Json wanted_vms(const Moment& moment, bool vms_known) {
  if (!vms_known || !moment.view || !moment.view->history.wanted_told) return nullptr;
  Json wanted = Json::array();
  for (const auto& [uuid, since] : *moment.view->history.wanted_told) wanted.push_back(uuid.value);
  return wanted;
}

/// Which of those are not started, and by which word, unless that passes by itself.
Json held_vms(const Moment& moment) {
  Json held = Json::object();
  if (!moment.view || !moment.view->history.wanted_told) return held;
  for (const Decision& decision : moment.view->decisions) {
    const auto reason = hold_of(decision);
    const Target& subject = decision.finding.subject;
    if (!reason || passes_by_itself(*reason) || subject.kind != Target::Kind::vm) continue;
    const Vm* vm = find_vm(*moment.snapshot, VmName{subject.name});
    if (vm == nullptr || !moment.view->history.wanted_told->contains(vm->uuid)) continue;
    if (is_down(vm->state)) held[vm->uuid.value] = upkeep::to_string(*reason);
  }
  return held;
}

}  // namespace

std::string node_json(const Moment& moment) {
  const Snapshot& snapshot = *moment.snapshot;
  const Json active = active_vms(moment);
  const bool known = active.is_array();
  Json out{{"node", moment.identity.node},
           {"version", moment.identity.version},
           {"boot_id", nullptr},
           {"booted_at", nullptr},
           {"boot_time", nullptr},
           {"vms_known", known},
           {"active_vms", active},
           {"wanted_vms", wanted_vms(moment, known)},
           {"held_vms", held_vms(moment)},
           {"mode", moment.view ? Json(upkeep::to_string(moment.view->mode)) : Json()}};
  if (snapshot.node.reading) {
    out["boot_id"] = snapshot.node.reading->boot_id.value;
    out["booted_at"] = json_of(snapshot.node.reading->boot_time);
    out["boot_time"] = to_unix_seconds(snapshot.node.reading->boot_time);
  }
  return written(out);
}

std::string why_json(const Target& target, const Explanation& explanation) {
  return written({{"target", to_string(target)},
                  {"headline", explanation.headline},
                  {"facts", explanation.facts},
                  {"commands", explanation.commands}});
}

std::string history_json(const std::vector<HistoryEntry>& entries) {
  Json list = Json::array();
  for (const auto& entry : entries) {
    list.push_back({{"at", json_of(entry.at)},
                    {"kind", entry.kind},
                    {"target", json_or_null(entry.target)},
                    {"text", entry.text},
                    {"action_id", json_of(entry.action_id)}});
  }
  return written({{"entries", list}});
}

std::string text_json(std::string_view text) { return written({{"text", text}}); }

std::string error_json(std::string_view message) { return written({{"error", message}}); }

}  // namespace upkeep::web
