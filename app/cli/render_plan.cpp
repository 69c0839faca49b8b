#include <fmt/format.h>

#include "app/cli/json_reading.h"
#include "app/cli/json_words.h"
#include "app/cli/render.h"
#include "app/cli/table.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

bool is_act(const json& decision) { return value_at(decision, "action").is_string(); }

/// "start vm": the action's name without the underscores of its label.
std::string action_words(const json& decision) {
  std::string words = text_or(decision, "action");
  for (char& one : words) {
    if (one == '_') one = ' ';
  }
  return words;
}

/// What opens the hold, or else what is wrong and why nothing is done.
void add_rows(Table& table, const json& plan, bool acts) {
  for (const json& decision : list_at(plan, "decisions")) {
    if (is_act(decision) != acts) continue;
    table.add({{text_or(decision, "target"), Colour::strong},
               {acts ? action_words(decision) : "-", acts ? Colour::good : Colour::none},
               {acts ? "" : text_or(decision, "hold"), Colour::warning},
               {text_or(decision, "detail", "")},
               {text_or(decision, "opens_with", "")}});
  }
}

}  // namespace

std::string render_plan(const json& plan, const Style& style) {
  const std::string mode = text_or(plan, "mode");
  std::string text;
  if (flag_at(plan, "ready") != true) {
    text += painted("not everything has been read yet", Colour::warning, style) + "\n";
  }
  if (mode != "act") {
    text += painted(fmt::format("the mode is {}: this is what mode act would do", mode),
                    Colour::warning, style) +
            "\n";
  }
  if (list_at(plan, "decisions").empty()) return text + "nothing to do\n";
  Table table({"TARGET", "DO", "HELD BY", "BECAUSE IT IS", "OPENED BY"});
  add_rows(table, plan, true);
  add_rows(table, plan, false);
  return text + table.text(style);
}

}  // namespace upkeep::cli
