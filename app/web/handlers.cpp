#include "app/web/handlers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "app/recovery_json.h"
#include "app/suggest.h"
#include "app/web/answers.h"
#include "app/web/json_parts.h"
#include "app/web/request_body.h"
#include "remediation/explain.h"

namespace upkeep::web {
namespace {

int status_of(Errc code) {
  switch (code) {
    case Errc::invalid: return 400;
    case Errc::denied: return 403;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::unavailable:
    case Errc::timed_out:
    case Errc::storage:
    case Errc::exhausted:
    case Errc::failed: return 503;
  }
  return 503;
}

std::vector<std::string_view> vm_names(const Moment& moment) {
  std::vector<std::string_view> names;
  if (const auto vms = known_vms(*moment.snapshot, moment.known, moment.freshness(), moment.now);
      vms.vms) {
    for (const auto& vm : *vms.vms) names.push_back(vm.name.value);
  }
  if (!moment.view) return names;
  for (const auto& [uuid, line] : moment.view->history.intents) names.push_back(line.name.value);
  return names;
}

std::vector<std::string_view> resource_names(const Moment& moment) {
  std::vector<std::string_view> names;
  for (const auto& one : report_of(moment).resources) names.push_back(one.resource->name.value);
  return names;
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::unexpected<Error> no_such(std::string_view what, std::string_view name,
                               const std::vector<std::string_view>& known) {
  return fail(Errc::not_found,
              fmt::format("no {} named '{}'{}", what, name, did_you_mean(name, known)));
}

}  // namespace

Result<Target> known_target(std::string_view text, const Moment& moment) {
  std::vector<std::string_view> vms = vm_names(moment);
  const std::vector<std::string_view> resources = resource_names(moment);
  if (const auto target = to_target(text)) {
    const bool vm = target->kind == Target::Kind::vm;
    const auto& names = vm ? vms : resources;
    if (contains(names, target->name)) return *target;
    return no_such(vm ? "VM" : "DRBD resource", target->name, names);
  }
  if (text.empty()) return fail(Errc::invalid, "target is missing: say vm/NAME or resource/NAME");
  if (contains(vms, text)) return target_of(VmName{std::string(text)});
  if (contains(resources, text)) return target_of(ResourceName{std::string(text)});
  vms.insert(vms.end(), resources.begin(), resources.end());
  return no_such("VM or DRBD resource", text, vms);
}

HttpResponse response_of(const Result<std::string>& done) {
  return done ? json_response(text_json(*done)) : error_response(done.error());
}

namespace {

Result<MarkVm> mark_command(const HttpRequest& request, WallTime now) {
  const auto body = object_of(request);
  if (!body) return std::unexpected(body.error());
  const auto vm = required_text_at(*body, "vm");
  if (!vm) return std::unexpected(vm.error());
  const auto word = required_text_at(*body, "keep");
  if (!word) return std::unexpected(word.error());
  const auto keep = to_keep(*word);
  if (!keep) {
    return fail(Errc::invalid, fmt::format("keep '{}' is none of up, down, ignore, auto", *word));
  }
  const auto reason = text_at(*body, "reason");
  if (!reason) return std::unexpected(reason.error());
  const auto by = text_at(*body, "by");
  if (!by) return std::unexpected(by.error());
  return MarkVm{
      .vm = {*vm},
      .mark = {.keep = *keep, .by = by->value_or(""), .reason = reason->value_or(""), .at = now}};
}

Result<Command> release_command(const HttpRequest& request, const Moment& moment) {
  const auto body = object_of(request);
  if (!body) return std::unexpected(body.error());
  const auto text = required_text_at(*body, "target");
  if (!text) return std::unexpected(text.error());
  const auto target = known_target(*text, moment);
  if (!target) return std::unexpected(target.error());
  const auto by = text_at(*body, "by");
  if (!by) return std::unexpected(by.error());
  return ReleaseTarget{.target = *target, .by = by->value_or("")};
}

/// What a person's word has.
struct Word {
  std::string subject;
  Said said;
};

Result<Word> word_about(const char* subject, const HttpRequest& request) {
  const auto body = object_of(request);
  if (!body) return std::unexpected(body.error());
  auto name = required_text_at(*body, subject);
  if (!name) return std::unexpected(name.error());
  auto said = said_in(*body);
  if (!said) return std::unexpected(said.error());
  return Word{.subject = std::move(*name), .said = std::move(*said)};
}

/// Has an order about a VM carried out; a name that nobody knows gets a hint.
HttpResponse order_about_vm(const WebSources& sources, const Command& command, const VmName& vm) {
  auto done = sources.command(command);
  if (!done && done.error().code == Errc::not_found) {
    const Moment moment = moment_of(sources);
    const auto names = vm_names(moment);
    if (!contains(names, vm.value)) done.error().message += did_you_mean(vm.value, names);
  }
  return response_of(done);
}

Result<std::size_t> limit_of(const HttpRequest& request) {
  constexpr std::size_t kMost = 1000;
  const auto text = request.parameter("limit");
  if (!text) return HistoryQuery{}.limit;
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error != std::errc() || end != text->data() + text->size() || limit < 1 || limit > kMost) {
    return fail(Errc::invalid, fmt::format("limit '{}' is not a number from 1 to 1000", *text));
  }
  return limit;
}

}  // namespace

Moment moment_of(const WebSources& sources) {
  static const auto nothing = std::make_shared<const Snapshot>();
  // Before the readings: what the view tells no more, because it is over, they show already.
  const auto view = sources.view();
  const auto snapshot = sources.snapshot();
  const auto known = sources.last_known();
  return {.identity = sources.identity,
          .snapshot = snapshot ? snapshot : nothing,
          .view = view,
          .known = known ? *known : LastKnown{},
          .now = sources.clock.now(),
          .wall = sources.clock.wall()};
}

HttpResponse json_response(std::string json, int status) {
  HttpResponse response = text_response(status, std::move(json));
  response.content_type = "application/json; charset=utf-8";
  return response;
}

HttpResponse error_response(const Error& error) {
  return json_response(error_json(error.message), status_of(error.code));
}

HttpResponse answer_why(const WebSources& sources, const HttpRequest& request) {
  const Moment moment = moment_of(sources);
  const auto target = known_target(request.parameter("target").value_or(""), moment);
  if (!target) return error_response(target.error());
  if (!moment.view) {
    return error_response({Errc::unavailable, "upkeep has not looked at everything yet"});
  }
  return json_response(why_json(*target, explain(*target, *moment.snapshot, *moment.view)));
}

HttpResponse answer_history(const WebSources& sources, const HttpRequest& request) {
  HistoryQuery query;
  const auto limit = limit_of(request);
  if (!limit) return error_response(limit.error());
  query.limit = *limit;
  if (const auto text = request.parameter("target"); text && !text->empty()) {
    // The past also knows what is gone: nothing is looked up, a bare name is a VM's.
    const auto target = to_target(*text);
    query.target = target ? to_string(*target) : to_string(target_of(VmName{*text}));
  }
  const auto entries = sources.history(query);
  return entries ? json_response(history_json(*entries)) : error_response(entries.error());
}

HttpResponse answer_recovery(const WebSources& sources, const HttpRequest& request) {
  const std::string text = std::string(request.parameter("id").value_or("0"));
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0) {
    return error_response(
        {Errc::invalid, fmt::format("id '{}' is not the number of a recovery", text)});
  }
  const auto recovery = sources.recovery(id);
  if (!recovery) return error_response(recovery.error());
  if (!*recovery) {
    return error_response(
        {Errc::not_found, id == 0 ? "there was no recovery yet"
                                  : fmt::format("there is no recovery {} on record", id)});
  }
  return json_response(written(recovery_json(**recovery)));
}

HttpResponse answer_mark(const WebSources& sources, const HttpRequest& request) {
  const auto command = mark_command(request, sources.clock.wall());
  if (!command) return error_response(command.error());
  return order_about_vm(sources, *command, command->vm);
}

HttpResponse answer_allow_degraded(const WebSources& sources, const HttpRequest& request) {
  auto word = word_about("vm", request);
  if (!word) return error_response(word.error());
  const VmName vm{word->subject};
  return order_about_vm(sources,
                        AllowDegraded{.vm = vm,
                                      .by = std::move(word->said.by),
                                      .reason = std::move(word->said.reason),
                                      .take_back = word->said.take_back},
                        vm);
}

HttpResponse answer_declare_dead(const WebSources& sources, const HttpRequest& request) {
  auto word = word_about("node", request);
  if (!word) return error_response(word.error());
  return response_of(sources.command(DeclareDead{.node = {std::move(word->subject)},
                                                 .by = std::move(word->said.by),
                                                 .reason = std::move(word->said.reason),
                                                 .take_back = word->said.take_back}));
}

HttpResponse answer_release(const WebSources& sources, const HttpRequest& request) {
  const auto command = release_command(request, moment_of(sources));
  return command ? response_of(sources.command(*command)) : error_response(command.error());
}

HttpResponse answer_demo(const WebSources& sources, const HttpRequest& request) {
  if (!sources.demo) {
    return error_response(
        {Errc::conflict, "this is no demo: nothing is broken on purpose (upkeep run --demo)"});
  }
  const auto body = object_of(request);
  if (!body) return error_response(body.error());
  const auto deed = required_text_at(*body, "do");
  if (!deed) return error_response(deed.error());
  const auto vm = text_at(*body, "vm");
  if (!vm) return error_response(vm.error());
  std::optional<VmName> name;
  if (*vm) name = VmName{**vm};
  return response_of(sources.demo(*deed, name));
}

}  // namespace upkeep::web
