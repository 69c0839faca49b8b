#include <algorithm>
#include <variant>

#include "app/declared_json.h"
#include "app/recovery_json.h"
#include "app/web/answers.h"
#include "app/web/json_parts.h"
#include "remediation/gates/tries.h"

namespace upkeep::web {
namespace {

std::string_view to_string(Wish::Authority authority) {
  switch (authority) {
    case Wish::Authority::mark: return "mark";
    case Wish::Authority::config: return "config";
    case Wish::Authority::automatic: return "auto";
  }
  return "auto";
}

Json attempts_json(const TargetHistory* tried, Tick now) {
  Json out{{"last_hour", 0},
           {"in_row", 0},
           {"last_outcome", nullptr},
           {"last_reason", nullptr},
           {"last_detail", nullptr}};
  if (tried == nullptr) return out;
  out["last_hour"] = std::ranges::count_if(
      tried->attempts, [&](Tick at) { return now - at <= std::chrono::hours(1); });
  out["in_row"] = tried->in_row;
  if (tried->last_outcome) {
    out["last_outcome"] = upkeep::to_string(tried->last_outcome->kind);
    out["last_reason"] = json_or_null(tried->last_outcome->reason);
    out["last_detail"] = json_or_null(tried->last_outcome->detail);
  }
  return out;
}

Json boot_json(const Moment& moment) {
  Json out{{"id", nullptr},
           {"booted_at", nullptr},
           {"previous_shutdown", nullptr},
           {"downtime_seconds", nullptr},
           {"load1", nullptr},
           {"cores", nullptr},
           {"shutting_down", nullptr}};
  const auto& node = moment.snapshot->node;
  if (node.reading) {
    out["id"] = node.reading->boot_id.value;
    out["booted_at"] = json_of(node.reading->boot_time);
    out["previous_shutdown"] = to_string(node.reading->previous_shutdown);
    out["cores"] = node.reading->cores;
  }
  if (node.fresh(moment.now, moment.freshness().node)) {
    out["load1"] = json_of(node.reading->load1);
    out["shutting_down"] = node.reading->shutting_down;
  }
  if (!moment.view) return out;
  // The journal remembers how the last boot ended longer than wtmp does.
  const auto& boots = moment.view->boots;
  const auto record = std::ranges::find(boots, moment.view->history.boot, &BootRecord::id);
  if (record == boots.end()) return out;
  out["previous_shutdown"] = to_string(record->previous_shutdown);
  out["downtime_seconds"] = json_of(record->downtime);
  return out;
}

Json source_json(const SourceStatus& source, const Moment& moment) {
  const std::string trouble = trouble_of(source);
  const auto answer = moment.known.last_success.find(source.source);
  const bool answered = answer != moment.known.last_success.end();
  return {{"name", to_string(source.source)},
          {"in_use", true},
          {"up", source.up},
          {"age_seconds", answered ? Json(seconds_of(moment.now - answer->second.at)) : Json()},
          {"error", json_or_null(trouble)}};
}

Json intent_json(const Intent* intent) {
  if (intent == nullptr) return {{"known", false}};
  Json mark;
  if (intent->mark) {
    mark = {{"keep", to_string(intent->mark->keep)},
            {"by", json_or_null(intent->mark->by)},
            {"reason", json_or_null(intent->mark->reason)},
            {"at", json_of(intent->mark->at)}};
  }
  return {{"known", true},
          {"wanted", intent->wanted},
          {"last_stop", to_string(intent->last_stop)},
          {"detail", json_or_null(intent->last_stop_detail)},
          {"changed_at", json_of(intent->changed)},
          {"mark", mark}};
}

/// The resources under a disk; as last known, for that is no state.
Json resources_under(const VmDisk& disk, const Report& report) {
  Json names = Json::array();
  for (const auto& one : report.resources) {
    const bool under = std::ranges::any_of(one.resource->devices, [&](const DrbdDevice& device) {
      return std::ranges::find(disk.drbd, device.minor) != disk.drbd.end();
    });
    if (under) names.push_back(one.resource->name.value);
  }
  return names;
}

Json disk_json(const VmDisk& disk, const Report& report, bool current) {
  Json minors = Json::array();
  for (const auto minor : disk.drbd) minors.push_back(minor.value);
  return {{"target", disk.target.value},
          {"source", json_or_null(disk.source)},
          {"backing", to_string(disk.backing)},
          {"drbd_minors", minors},
          {"resources", resources_under(disk, report)},
          {"attached", current ? json_of(disk.attached) : Json()},
          {"error", current ? json_of(disk.error) : Json()}};
}

Json vm_json(const VmReport& vm, const Report& report, Tick now) {
  Json out{{"name", vm.vm->name.value},
           {"uuid", vm.vm->uuid.value},
           {"state", to_string(vm.state)},
           {"reason", vm.current ? Json(to_string(vm.vm->reason)) : Json()},
           {"up", json_of(vm.up)},
           {"healthy", json_of(vm.healthy)},
           {"health", json_or_null(vm.trouble)},
           {"wanted", vm.wish ? Json(to_string(vm.wish->keep)) : Json()},
           {"authority", vm.wish ? Json(to_string(vm.wish->authority)) : Json()},
           {"autostart", vm.current ? json_of(vm.vm->autostart) : Json()},
           {"intent", intent_json(vm.intent)}};
  put_target(out, vm.target, now);
  out["disks"] = Json::array();
  for (const auto& disk : vm.vm->disks) out["disks"].push_back(disk_json(disk, report, vm.current));
  return out;
}

Json in_flight_json(const Moment& moment) {
  Json list = Json::array();
  if (!moment.view) return list;
  for (const auto& ticket : moment.view->in_flight) {
    list.push_back({{"action_id", ticket.id},
                    {"action", name_of(ticket.action)},
                    {"target", to_string(target_of(ticket.action))},
                    {"rule", ticket.finding.rule},
                    {"trigger", to_string(ticket.finding.trigger)},
                    {"for_seconds", seconds_of(moment.now - ticket.submitted)}});
  }
  return list;
}

Json recovery_of(const Moment& moment) {
  if (!moment.view || moment.view->recovery == nullptr) return {};
  return recovery_summary_json(*moment.view->recovery);
}

}  // namespace

Json decision_json(const Decision& decision, Tick now) {
  struct {
    Json operator()(const Act& act) const { return name_of(act.action); }
    Json operator()(const WouldAct& would) const { return name_of(would.action); }
    Json operator()(const Held& /*held*/) const { return {}; }
  } const action;
  Json out{{"rule", decision.finding.rule},
           {"trigger", to_string(decision.finding.trigger)},
           {"verdict", verdict_name(decision)},
           {"action", std::visit(action, decision.verdict)},
           {"hold", nullptr},
           {"text", sentence(decision, now)},
           {"detail", json_or_null(decision.finding.detail)},
           {"opens_with", nullptr},
           {"retry_in_seconds", nullptr},
           {"since_seconds", seconds_of(now - decision.finding.since)}};
  if (const auto* held = std::get_if<Held>(&decision.verdict)) {
    out["hold"] = to_string(held->reason);
    out["opens_with"] = json_or_null(held->opens_with);
    if (held->retry_at) {
      out["retry_in_seconds"] = std::max(0.0, seconds_of(*held->retry_at - now));
    }
  }
  return out;
}

void put_target(Json& out, const TargetReport& target, Tick now) {
  Json decisions = Json::array();
  for (const auto* decision : target.decisions) decisions.push_back(decision_json(*decision, now));
  out["decision"] = decisions.empty() ? Json() : decisions.front();
  out["decisions"] = decisions;
  out["attempts"] = attempts_json(target.tried, now);
  out["latched"] = target.tried != nullptr && given_up_since(*target.tried).has_value();
}

std::string status_json(const Moment& moment) {
  const Report report = report_of(moment);
  Json sources = Json::array();
  for (const auto& source : report.sources) sources.push_back(source_json(source, moment));
  Json vms;
  if (report.vms_known) {
    vms = Json::array();
    for (const auto& vm : report.vms) vms.push_back(vm_json(vm, report, moment.now));
  }
  const Identity& identity = moment.identity;
  return written({{"node", identity.node},
                  {"version", identity.version},
                  {"revision", identity.revision},
                  {"mode", moment.view ? Json(upkeep::to_string(moment.view->mode)) : Json()},
                  {"at", json_of(moment.wall)},
                  {"ready", is_ready(moment)},
                  {"started_at", json_of(identity.started)},
                  {"boot", boot_json(moment)},
                  {"sources", sources},
                  {"vms", vms},
                  {"drbd", drbd_status(report, moment)},
                  {"declared", moment.view ? declared_json(moment.view->history) : Json::array()},
                  {"recovery", recovery_of(moment)},
                  {"in_flight", in_flight_json(moment)}});
}

}  // namespace upkeep::web
