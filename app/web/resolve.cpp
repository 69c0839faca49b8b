#include "app/web/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/suggest.h"
#include "app/web/handlers.h"
#include "app/web/json_parts.h"
#include "app/web/request_body.h"
#include "remediation/resolve.h"
#include "remediation/resolve_facts.h"
#include "remediation/rules/finding.h"

namespace upkeep::web {
namespace {

/// "r0" or "resource/r0", which must be a resource that is known.
Result<const DrbdResource*> known_resource(const std::string& text, const Report& report) {
  constexpr std::string_view kPrefix = "resource/";
  const std::string name = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text;
  std::vector<std::string_view> names;
  for (const ResourceReport& one : report.resources) {
    if (one.resource->name.value == name) return one.resource;
    names.push_back(one.resource->name.value);
  }
  return fail(Errc::not_found,
              fmt::format("no DRBD resource named '{}'{}", name, did_you_mean(name, names)));
}

Result<SplitBrainSide> side_of(const std::string& word) {
  if (const auto side = to_split_brain_side(word)) return *side;
  return fail(Errc::invalid,
              fmt::format("side '{}' is neither discard_local nor keep_local", word));
}

/// What is asked for of which resource.
Result<ResolveSplitBrain> wish_of(const std::string& resource, const std::string& side,
                                  const Report& report) {
  const auto known = known_resource(resource, report);
  if (!known) return std::unexpected(known.error());
  const auto which = side_of(side);
  if (!which) return std::unexpected(which.error());
  return ResolveSplitBrain{.resource = (*known)->name, .side = *which};
}

/// The journal's id of the action that was just begun; null when it can't be told.
Json begun_id(const WebSources& sources, const ResolveSplitBrain& resolve) {
  constexpr std::size_t kLines = 10;
  const auto lines = sources.history(
      {.limit = kLines, .target = to_string(target_of(resolve.resource)), .since = std::nullopt});
  if (!lines) return nullptr;
  const std::string_view name = name_of(Action(resolve));
  const auto begun = std::ranges::find_if(*lines, [&](const HistoryEntry& line) {
    return line.kind == "begin" && line.text.starts_with(name);
  });
  return begun == lines->end() ? Json() : json_of(begun->action_id);
}

Error not_yet() { return {Errc::unavailable, "upkeep has not looked at everything yet"}; }

/// Each side that was ever seen Primary, this node first.
Json last_primary_json(const Moment& moment, const ResourceName& resource) {
  Json sides = Json::array();
  for (const auto& [side, line] : moment.view->history.last_primary) {
    if (side.first != resource) continue;
    const bool here = side.second.value.empty();
    sides.push_back({{"node", here ? moment.identity.node : side.second.value},
                     {"here", here},
                     {"since", json_of(line.since)},
                     {"until", json_of(line.until)},
                     {"end", to_string(line.end)}});
  }
  return sides;
}

Json preview_of(const Moment& moment, const ResolveSplitBrain& resolve) {
  const World world{.snapshot = *moment.snapshot,
                    .policy = *moment.view->policy,
                    .history = moment.view->history,
                    .now = moment.now};
  const auto held = resolve_hold(resolve, world);
  Json out{{"resource", resolve.resource.value},
           {"node", moment.identity.node},
           {"side", to_string(resolve.side)},
           {"possible", !held.has_value()},
           {"refusal", held ? Json(held->detail) : Json()},
           {"split_brain", nullptr},
           {"last_primary", last_primary_json(moment, resolve.resource)},
           {"facts", Json::array()},
           {"next", other_sides_part(resolve, *moment.snapshot)}};
  const DrbdResource* resource = find_resource(*moment.snapshot, resolve.resource);
  if (resource == nullptr) return out;
  if (const auto seen = split_brain_of(*resource, world)) {
    out["split_brain"] = {{"what", seen->what}, {"at", json_of(seen->at)}};
  }
  out["facts"] = resolve_facts(*resource, world);
  return out;
}

}  // namespace

HttpResponse answer_resolve_preview(const WebSources& sources, const HttpRequest& request) {
  const Moment moment = moment_of(sources);
  if (!moment.view || !moment.view->policy) return error_response(not_yet());
  const auto resolve = wish_of(request.parameter("resource").value_or(""),
                               request.parameter("side").value_or(""), report_of(moment));
  if (!resolve) return error_response(resolve.error());
  return json_response(written(preview_of(moment, *resolve)));
}

HttpResponse answer_resolve(const WebSources& sources, const HttpRequest& request) {
  const auto body = object_of(request);
  if (!body) return error_response(body.error());
  const auto name = required_text_at(*body, "resource");
  if (!name) return error_response(name.error());
  const auto side = required_text_at(*body, "side");
  if (!side) return error_response(side.error());
  const auto by = text_at(*body, "by");
  if (!by) return error_response(by.error());
  const auto reason = text_at(*body, "reason");
  if (!reason) return error_response(reason.error());
  const auto confirm = text_at(*body, "confirm");
  if (!confirm) return error_response(confirm.error());
  const Moment moment = moment_of(sources);
  const auto resolve = wish_of(*name, *side, report_of(moment));
  if (!resolve) return error_response(resolve.error());
  // Sent to the wrong node, the right side would be lost.
  if (resolve->side == SplitBrainSide::discard_local &&
      confirm->value_or("") != moment.identity.node) {
    return error_response(
        {Errc::conflict, fmt::format("'confirm' must be '{0}', this node's name: it is {0} whose "
                                     "changes would be given up",
                                     moment.identity.node)});
  }
  const auto done = sources.command(
      ResolveResource{.resolve = *resolve, .by = by->value_or(""), .reason = reason->value_or("")});
  if (!done) return error_response(done.error());
  return json_response(written({{"text", *done},
                                {"action_id", begun_id(sources, *resolve)},
                                {"next", other_sides_part(*resolve, *moment.snapshot)}}));
}

}  // namespace upkeep::web
