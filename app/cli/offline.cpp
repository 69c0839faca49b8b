#include "app/cli/offline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "app/cli/offline_declared.h"
#include "app/cli/times.h"
#include "app/declared_json.h"
#include "app/suggest.h"
#include "remediation/gates/pause.h"

namespace upkeep::cli {
namespace {

/// As for a TargetHistory, in the journal's time.
std::optional<WallTime> given_up_since(const TargetRecord& record) {
  std::optional<WallTime> first = record.latched_since;
  for (const auto& [action, tries] : record.tries) {
    if (!tries.latched_since) continue;
    first = std::min(first.value_or(*tries.latched_since), *tries.latched_since);
  }
  return first;
}

using nlohmann::json;

json or_null(const std::optional<WallTime>& at) {
  return at ? json(to_rfc3339(*at)) : json(nullptr);
}

std::string_view to_string(Wish::Authority authority) {
  switch (authority) {
    case Wish::Authority::mark: return "mark";
    case Wish::Authority::config: return "config";
    case Wish::Authority::automatic: return "auto";
  }
  return "auto";
}

const TargetRecord* find_record(const JournalState& journal, const Target& target) {
  const auto found = std::ranges::find(journal.targets, target, &TargetRecord::target);
  return found == journal.targets.end() ? nullptr : &*found;
}

const Intent* find_intent(const JournalState& journal, const std::string& vm) {
  const auto found = std::ranges::find_if(
      journal.intents, [&](const auto& line) { return line.second.name.value == vm; });
  return found == journal.intents.end() ? nullptr : &found->second;
}

json attempts_json(const TargetRecord* record) {
  json attempts{{"last_hour", nullptr},
                {"in_row", 0},
                {"last_outcome", nullptr},
                {"last_reason", nullptr},
                {"last_detail", nullptr}};
  if (record == nullptr) return attempts;
  attempts["in_row"] = record->in_row;
  if (record->last_outcome) {
    attempts["last_outcome"] = to_string(record->last_outcome->kind);
    attempts["last_reason"] = record->last_outcome->reason;
    attempts["last_detail"] = record->last_outcome->detail;
  }
  return attempts;
}

json intent_json(const Intent& intent) {
  json result{{"known", true},
              {"wanted", intent.wanted},
              {"last_stop", to_string(intent.last_stop)},
              {"detail", intent.last_stop_detail},
              {"changed_at", to_rfc3339(intent.changed)},
              {"mark", nullptr}};
  if (intent.mark) {
    result["mark"] = {{"keep", to_string(intent.mark->keep)},
                      {"by", intent.mark->by},
                      {"reason", intent.mark->reason},
                      {"at", to_rfc3339(intent.mark->at)}};
  }
  return result;
}

json vm_json(const Intent& intent, const JournalState& journal, const Policy& policy) {
  const Wish wish = wish_for(&intent, policy_for(policy, intent.name));
  const TargetRecord* record = find_record(journal, target_of(intent.name));
  return {{"name", intent.name.value},
          {"uuid", intent.uuid.value},
          {"state", to_string(VmState::unknown)},
          {"reason", nullptr},
          {"up", nullptr},
          {"wanted", to_string(wish.keep)},
          {"authority", to_string(wish.authority)},
          {"intent", intent_json(intent)},
          {"decision", nullptr},
          {"attempts", attempts_json(record)},
          {"latched", record != nullptr && given_up_since(*record).has_value()}};
}

void add_wish(std::vector<std::string>& facts, const Intent& intent, const Policy& policy) {
  const Wish wish = wish_for(&intent, policy_for(policy, intent.name));
  std::string line =
      fmt::format("wanted: {} ({})", to_string(wish.keep), to_string(wish.authority));
  if (wish.authority == Wish::Authority::mark && intent.mark) {
    line += fmt::format(", marked by {} on {}", intent.mark->by, local_time(intent.mark->at));
    if (!intent.mark->reason.empty()) line += ": " + intent.mark->reason;
  }
  facts.push_back(line);
  line = intent.last_stop == StopCause::none
             ? "it ran when last seen"
             : fmt::format("last stop: {}", to_string(intent.last_stop));
  if (!intent.last_stop_detail.empty()) line += fmt::format(" ({})", intent.last_stop_detail);
  facts.push_back(line + ", on " + local_time(intent.changed));
}

void add_tries(std::vector<std::string>& facts, const JournalState& journal, const Target& target) {
  if (const TargetRecord* record = find_record(journal, target)) {
    if (const auto since = given_up_since(*record)) {
      facts.push_back("latched since " + local_time(*since) + ": too many failed tries");
    }
    if (record->last_outcome) {
      std::string line = fmt::format("the last try {}", to_string(record->last_outcome->kind));
      if (!record->last_outcome->detail.empty()) line += ": " + record->last_outcome->detail;
      if (record->last_end) line += ", on " + local_time(*record->last_end);
      facts.push_back(line);
    }
  }
  for (const ActionRecord& action : journal.unfinished) {
    if (target_of(action.action) != target) continue;
    facts.push_back(fmt::format("{} begun on {} has no end on record: upkeep was cut short",
                                name_of(action.action), local_time(action.begun)));
  }
}

/// Which DRBD resources a VM lies on only readings tell, so their pauses aren't among its own.
void add_pauses(std::vector<std::string>& facts, const Target& target, const History& known) {
  const Snapshot unread;
  const Policy unset;
  const World world{.snapshot = unread, .policy = unset, .history = known};
  for (const Standing* pause : pauses_over(target, world)) {
    facts.push_back(pause_text(*pause, known));
  }
}

}  // namespace

Result<Target> resolve_target(const std::string& word, const JournalState& journal) {
  if (const auto target = to_target(word)) return *target;
  if (find_intent(journal, word) != nullptr) return Target{Target::Kind::vm, word};
  Target resource{Target::Kind::resource, word};
  if (journal.resources.contains(ResourceName{word}) || find_record(journal, resource) != nullptr) {
    return resource;
  }
  std::vector<std::string_view> names;
  for (const auto& [uuid, intent] : journal.intents) names.push_back(intent.name.value);
  for (const auto& [name, history] : journal.resources) names.push_back(name.value);
  return fail(Errc::not_found, fmt::format("the journal knows no VM or DRBD resource '{}'{}", word,
                                           did_you_mean(word, names)));
}

json offline_status(const JournalState& journal, const Config& config, const Reader& reader) {
  const Policy policy = to_policy(config);
  std::map<std::string, json> by_name;
  for (const auto& [uuid, intent] : journal.intents) {
    by_name[intent.name.value] = vm_json(intent, journal, policy);
  }
  json vms = json::array();
  for (auto& [name, vm] : by_name) vms.push_back(std::move(vm));
  json boot = nullptr;
  if (!journal.boots.empty()) {
    const BootRecord& last = journal.boots.back();
    boot = {{"id", last.id.value},
            {"booted_at", to_rfc3339(last.booted)},
            {"previous_shutdown", to_string(last.previous_shutdown)},
            {"downtime_seconds", last.downtime ? json(last.downtime->count()) : json(nullptr)}};
  }
  return {{"offline", true},
          {"node", node_name(config).value},
          {"mode", nullptr},
          {"ready", false},
          {"last_heartbeat_at", or_null(journal.last_heartbeat)},
          {"boot", std::move(boot)},
          {"sources", json::array()},
          {"vms", std::move(vms)},
          {"drbd", nullptr},
          {"declared", declared_json(still_declared(journal, reader))},
          {"in_flight", json::array()}};
}

Result<json> offline_why(const std::string& target, const JournalState& journal,
                         const Config& config, const Reader& reader) {
  const Result<Target> resolved = resolve_target(target, journal);
  if (!resolved) return std::unexpected(resolved.error());
  const bool is_vm = resolved->kind == Target::Kind::vm;
  const Intent* intent = is_vm ? find_intent(journal, resolved->name) : nullptr;
  const bool known = intent != nullptr || find_record(journal, *resolved) != nullptr ||
                     (!is_vm && journal.resources.contains(ResourceName{resolved->name}));
  if (!known) {
    return fail(Errc::not_found, fmt::format("the journal does not know {}", to_string(*resolved)));
  }
  std::vector<std::string> facts;
  if (intent != nullptr) add_wish(facts, *intent, to_policy(config));
  add_tries(facts, journal, *resolved);
  add_pauses(facts, *resolved, still_declared(journal, reader));
  if (journal.last_heartbeat) {
    facts.push_back("upkeep was last alive on " + local_time(*journal.last_heartbeat));
  }
  return json{{"offline", true},
              {"target", to_string(*resolved)},
              {"headline", fmt::format("Nothing is done about {}: upkeep is not running. This is "
                                       "what it last wrote down.",
                                       resolved->name)},
              {"facts", facts},
              {"commands", {"systemctl start upkeep"}}};
}

json offline_history(const std::vector<HistoryEntry>& entries) {
  json list = json::array();
  for (const HistoryEntry& entry : entries) {
    list.push_back({{"at", to_rfc3339(entry.at)},
                    {"kind", entry.kind},
                    {"target", entry.target.empty() ? json(nullptr) : json(entry.target)},
                    {"text", entry.text},
                    {"action_id", entry.action_id ? json(*entry.action_id) : json(nullptr)}});
  }
  return {{"offline", true}, {"entries", std::move(list)}};
}

}  // namespace upkeep::cli
