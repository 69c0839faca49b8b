#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "remediation/journal/records.h"
#include "remediation/journal/row_values.h"
#include "remediation/journal/sql.h"

namespace upkeep::sql {
namespace {

constexpr int kPartColumn = 14;
constexpr std::string_view kNetworkOnly = "network";

VolumeNumber volume_of(const std::string& part) {
  VolumeNumber volume;
  const char* const end = part.data() + part.size();
  const auto [at, error] = std::from_chars(part.data(), end, volume.value);
  if (error != std::errc() || at != end) {
    throw BadRow{fmt::format("action.part is '{}', which is no volume", part)};
  }
  return volume;
}

/// The columns of an action from `column` on, and what part of its subject it was about.
struct ActionColumns {
  std::string name, subject, part;
};

std::optional<Action> other_action(const ActionColumns& of, const VmUuid& uuid) {
  const ResourceName resource{of.subject};
  if (of.name == "bring_up_resource") {
    return BringUpResource{.resource = resource, .skip_disk = of.part == kNetworkOnly};
  }
  if (of.name == "reconnect_resource") return ReconnectResource{resource};
  if (of.name == "attach_device") {
    return AttachDevice{.resource = resource, .volume = volume_of(of.part)};
  }
  if (of.name == "resume_vm") return ResumeVm{.vm = {of.subject}, .uuid = uuid};
  if (of.name == "reset_vm") return ResetVm{.vm = {of.subject}, .uuid = uuid};
  if (of.name == "reattach_disk") {
    return ReattachDisk{.vm = {of.subject}, .uuid = uuid, .disk = {of.part}};
  }
  if (of.name == "resolve_split_brain") {
    return ResolveSplitBrain{.resource = resource,
                             .side = checked(to_split_brain_side(of.part), of.part, "action.part")};
  }
  return std::nullopt;
}

Action action_at(const SQLite::Statement& row, int column) {
  const std::string name = text_at(row, column);
  const std::string subject = text_at(row, column + 1);
  if (name != "start_vm") {
    auto other = other_action({name, subject, maybe_text_at(row, kPartColumn).value_or("")},
                              VmUuid{maybe_text_at(row, column + 2).value_or("")});
    if (!other) throw BadRow{fmt::format("action.action is '{}'", name)};
    return *other;
  }
  StartVm start{.vm = {subject},
                .uuid = {text_at(row, column + 2)},
                .destroy_first = row.getColumn(column + 3).getInt() != 0,
                .promote = {}};
  std::istringstream names(text_at(row, column + 4));
  for (std::string resource; std::getline(names, resource);) start.promote.push_back({resource});
  return start;
}

ActionRecord action_record_of(const SQLite::Statement& row) {
  const std::string trigger = text_at(row, 7);
  return {.id = row.getColumn(0).getInt64(),
          .action = action_at(row, 1),
          .rule = text_at(row, 6),
          .trigger = to_value<Trigger>(kTriggers, trigger, "action.shown_by"),
          .attempt = row.getColumn(8).getInt(),
          .begun = wall_at(row, 9),
          .ended = maybe_wall_at(row, 10),
          .outcome = outcome_at(row, 11)};
}

constexpr const char* kActionColumns =
    "SELECT id, action, subject, uuid, destroy_first, promote, rule, shown_by, attempt, begun, "
    "ended, outcome, outcome_reason, outcome_detail, part FROM action ";

std::optional<std::string> uuid_of(const Action& action) {
  return std::visit(
      []<class T>(const T& one) -> std::optional<std::string> {
        if constexpr (requires { one.uuid; }) {
          return one.uuid.value;
        } else {
          return std::nullopt;
        }
      },
      action);
}

std::optional<std::string> part_of(const Action& action) {
  if (const auto* bring_up = std::get_if<BringUpResource>(&action); bring_up != nullptr) {
    if (bring_up->skip_disk) return std::string(kNetworkOnly);
  }
  if (const auto* attach = std::get_if<AttachDevice>(&action)) {
    return std::to_string(attach->volume.value);
  }
  if (const auto* reattach = std::get_if<ReattachDisk>(&action)) return reattach->disk.value;
  if (const auto* resolve = std::get_if<ResolveSplitBrain>(&action)) {
    return std::string(to_string(resolve->side));
  }
  return std::nullopt;
}

}  // namespace

std::int64_t write_begin(SQLite::Database& database, const ActionRecord& action) {
  const std::optional<std::string> uuid = uuid_of(action.action);
  std::optional<std::string> promote;
  std::optional<bool> destroy_first;
  if (const auto* start = std::get_if<StartVm>(&action.action)) {
    destroy_first = start->destroy_first;
    promote = joined(start->promote, "\n", [](const ResourceName& name) { return name.value; });
  }
  run(database,
      "INSERT INTO action (action, subject, uuid, destroy_first, promote, rule, shown_by, attempt, "
      "begun, part) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      name_of(action.action), target_of(action.action).name, uuid, destroy_first, promote,
      action.rule, to_string(action.trigger), action.attempt, action.begun, part_of(action.action));
  return database.getLastInsertRowid();
}

bool write_end(SQLite::Database& database, std::int64_t id, const Outcome& outcome, WallTime at) {
  return run(database,
             "UPDATE action SET ended = ?, outcome = ?, outcome_reason = ?, outcome_detail = ? "
             "WHERE id = ? AND ended IS NULL",
             at, to_string(outcome.kind), outcome.reason, outcome.detail, id) == 1;
}

std::optional<ActionRecord> read_action(SQLite::Database& database, std::int64_t id) {
  SQLite::Statement row(database, std::string(kActionColumns) + "WHERE id = ?");
  bind_all(row, id);
  if (!row.executeStep()) return std::nullopt;
  return action_record_of(row);
}

std::vector<ActionRecord> read_unfinished(SQLite::Database& database) {
  std::vector<ActionRecord> unfinished;
  SQLite::Statement row(database, std::string(kActionColumns) + "WHERE ended IS NULL ORDER BY id");
  while (row.executeStep()) unfinished.push_back(action_record_of(row));
  return unfinished;
}

}  // namespace upkeep::sql
