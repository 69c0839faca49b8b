#include "app/web/pauses.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "app/web/answers.h"
#include "app/web/request_body.h"
#include "remediation/gates/pause.h"

namespace upkeep::web {
namespace {

using nlohmann::json;
using Lasts = std::optional<std::chrono::seconds>;

/// Ten years: more is a typing error; for ever is said in another way.
constexpr std::int64_t kLongest = std::int64_t{3650} * 24 * 3600;

/// How long the pause is to last; absent: for ever.
Result<Lasts> lasts_of(const json& body) {
  const auto forever = flag_at(body, "forever");
  if (!forever) return std::unexpected(forever.error());
  const auto found = body.find("for_seconds");
  const bool said = found != body.end() && !found->is_null();
  if (*forever && said)
    return fail(Errc::invalid, "'for_seconds' and 'forever' exclude each other");
  if (*forever) return Lasts();
  if (!said) return Lasts(kPauseLasts);
  const bool fits = found->is_number_integer() && *found >= 1 && *found <= kLongest;
  if (!fits) {
    return fail(Errc::invalid,
                fmt::format("'for_seconds' is no whole number from 1 to {}", kLongest));
  }
  return Lasts(std::chrono::seconds(found->get<std::int64_t>()));
}

Result<Command> pause_command(const HttpRequest& request, const Moment& moment) {
  const auto body = object_of(request);
  if (!body) return std::unexpected(body.error());
  auto said = said_in(*body);
  if (!said) return std::unexpected(said.error());
  const auto lasts = lasts_of(*body);
  if (!lasts) return std::unexpected(lasts.error());
  PauseTarget command{.target = std::nullopt,
                      .lasts = *lasts,
                      .by = std::move(said->by),
                      .reason = std::move(said->reason),
                      .take_back = said->take_back};
  const auto text = text_at(*body, "target");
  if (!text) return std::unexpected(text.error());
  if (*text) {
    // A pause can also be of what is gone by now.
    const auto said_so = to_target(**text);
    const auto target =
        command.take_back && said_so ? Result<Target>(*said_so) : known_target(**text, moment);
    if (!target) return std::unexpected(target.error());
    command.target = *target;
  }
  return command;
}

}  // namespace

HttpResponse answer_pause(const WebSources& sources, const HttpRequest& request) {
  const auto command = pause_command(request, moment_of(sources));
  return command ? response_of(sources.command(*command)) : error_response(command.error());
}

HttpResponse answer_maintenance(const WebSources& sources, const HttpRequest& request) {
  const auto body = object_of(request);
  if (!body) return error_response(body.error());
  auto said = said_in(*body);
  if (!said) return error_response(said.error());
  return response_of(sources.command(MaintainNode{
      .by = std::move(said->by), .reason = std::move(said->reason), .take_back = said->take_back}));
}

}  // namespace upkeep::web
