#pragma once

#include <string>

#include "app/web/routes.h"

// What the routes of both listeners are made of.

namespace upkeep::web {

[[nodiscard]] Moment moment_of(const WebSources& sources);

[[nodiscard]] HttpResponse json_response(std::string json, int status = 200);
/// {"error": …} with the status that the kind of error means.
[[nodiscard]] HttpResponse error_response(const Error& error);

/// What became of a command.
[[nodiscard]] HttpResponse response_of(const Result<std::string>& done);
/// Reads "vm/web1", "resource/r0" or a bare name, and finds out whether there is such a thing.
[[nodiscard]] Result<Target> known_target(std::string_view text, const Moment& moment);

[[nodiscard]] HttpResponse answer_why(const WebSources& sources, const HttpRequest& request);
[[nodiscard]] HttpResponse answer_history(const WebSources& sources, const HttpRequest& request);
[[nodiscard]] HttpResponse answer_recovery(const WebSources& sources, const HttpRequest& request);
[[nodiscard]] HttpResponse answer_mark(const WebSources& sources, const HttpRequest& request);
[[nodiscard]] HttpResponse answer_release(const WebSources& sources, const HttpRequest& request);
[[nodiscard]] HttpResponse answer_allow_degraded(const WebSources& sources,
                                                 const HttpRequest& request);
[[nodiscard]] HttpResponse answer_declare_dead(const WebSources& sources,
                                               const HttpRequest& request);
[[nodiscard]] HttpResponse answer_demo(const WebSources& sources, const HttpRequest& request);

}  // namespace upkeep::web
