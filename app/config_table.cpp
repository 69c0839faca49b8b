#include "app/config_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cmath>

#include "app/suggest.h"

namespace upkeep {
namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return node.is_array_of_tables() ? "a list of tables" : "a list";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
  }
  return "something else";
}

}  // namespace

void ConfigErrors::add(const toml::source_region& where, std::string_view what) {
  lines_.push_back({where.begin.line, where.begin.column, std::string(what)});
}

std::string ConfigErrors::text() const {
  std::vector<Line> sorted = lines_;
  std::ranges::stable_sort(sorted, [](const Line& a, const Line& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  std::string text;
  for (const auto& [line, column, what] : sorted) {
    if (!text.empty()) text += '\n';
    text += fmt::format("{}:{}:{}: {}", file_name_, line, column, what);
  }
  return text;
}

std::string ConfigTable::name(std::string_view key) const {
  if (path_.empty()) return std::string(key);
  return path_.starts_with('[') ? fmt::format("{} {}", path_, key)
                                : fmt::format("{}.{}", path_, key);
}

bool ConfigTable::has(std::string_view key) const { return table_.get(key) != nullptr; }

const toml::node* ConfigTable::take(std::string_view key) {
  known_.push_back(key);
  return table_.get(key);
}

void ConfigTable::wrong(std::string_view key, std::string_view what) {
  const toml::node* node = table_.get(key);
  errors_.add(node != nullptr ? node->source() : table_.source(),
              fmt::format("{}: {}", name(key), what));
}

void ConfigTable::wrong_type(std::string_view key, std::string_view wanted) {
  wrong(key, fmt::format("must be {}, not {}", wanted, type_name(*table_.get(key))));
}

std::optional<std::string> ConfigTable::text_of(std::string_view key,
                                                std::span<const std::string_view> known) {
  const toml::node* node = take(key);
  if (node == nullptr) return {};
  const auto* value = node->as_string();
  if (value == nullptr) {
    wrong_type(key, fmt::format("one of \"{}\"", fmt::join(known, "\", \"")));
    return {};
  }
  if (std::ranges::find(known, value->get()) != known.end()) return value->get();
  wrong(key, fmt::format("'{}' is none of {}{}", value->get(), fmt::join(known, ", "),
                         did_you_mean(value->get(), known)));
  return {};
}

void ConfigTable::read(std::string_view key, bool& out) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean()) {
    out = value->get();
  } else {
    wrong_type(key, "true or false");
  }
}

void ConfigTable::read_count(std::string_view key, int& out, int least, int most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* value = node->as_integer();
  if (value == nullptr) {
    wrong_type(key, "a whole number");
  } else if (value->get() < least || value->get() > most) {
    wrong(key, fmt::format("must be between {} and {}, not {}", least, most, value->get()));
  } else {
    out = static_cast<int>(value->get());
  }
}

void ConfigTable::read_number(std::string_view key, double& out, double least, double most) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
  if (!value) {
    wrong_type(key, "a number");
  } else if (std::isnan(*value) || *value < least || *value > most) {
    wrong(key, fmt::format("must be between {} and {}, not {}", least, most, *value));
  } else {
    out = *value;
  }
}

void ConfigTable::read_duration(std::string_view key, Duration& out, Duration least,
                                Duration most) {
  if (const toml::node* node = table_.get(key); node != nullptr && node->is_number()) {
    known_.push_back(key);
    wrong(key, fmt::format("has no unit: write a duration as a string, like \"{}\"",
                           duration_text(out)));
    return;
  }
  const std::optional<Duration> value = parsed(key, parse_duration);
  if (!value) return;
  if (*value < least || *value > most) {
    wrong(key, fmt::format("must be between {} and {}, not {}", duration_text(least),
                           duration_text(most), duration_text(*value)));
  } else {
    out = *value;
  }
}

void ConfigTable::read_path(std::string_view key, std::filesystem::path& out) {
  const std::optional<std::string> text = string(key);
  if (!text) return;
  if (!text->starts_with('/') || text->find('\0') != std::string::npos) {
    wrong(key, fmt::format("'{}' is not an absolute path", *text));
  } else {
    out = *text;
  }
}

std::optional<std::string> ConfigTable::string(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return {};
  if (const auto* value = node->as_string()) return value->get();
  wrong_type(key, "a string");
  return {};
}

const toml::table* ConfigTable::table(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return nullptr;
  if (const auto* value = node->as_table()) return value;
  wrong(key, fmt::format("must be a table, written [{}], not {}", key, type_name(*node)));
  return nullptr;
}

std::vector<std::string> ConfigTable::all_parsed(std::string_view key,
                                                 Parsed<std::string> (*parse)(std::string_view),
                                                 EmptyList empty) {
  const toml::node* node = take(key);
  if (node == nullptr) return {};
  const auto* list = node->as_array();
  if (list == nullptr || (list->empty() && empty == EmptyList::refused)) {
    const bool refused = empty == EmptyList::refused;
    wrong(key, refused ? "must be a list of strings, and not empty" : "must be a list of strings");
    return {};
  }
  std::vector<std::string> values;
  for (const toml::node& element : *list) {
    const auto* text = element.as_string();
    auto value = text == nullptr ? std::unexpected(std::string("must hold strings only"))
                                 : parse(text->get());
    if (value) {
      values.push_back(std::move(*value));
    } else {
      errors_.add(element.source(), fmt::format("{}: {}", name(key), value.error()));
    }
  }
  return values;
}

std::map<std::string, std::string> ConfigTable::texts(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return {};
  const auto* table = node->as_table();
  if (table == nullptr) {
    wrong_type(key, R"(a table such as { severity = "critical" })");
    return {};
  }
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : *table) {
    if (const auto* text = value.as_string()) {
      texts.emplace(name.str(), text->get());
    } else {
      errors_.add(value.source(), fmt::format("{}.{}: must be a string, not {}", this->name(key),
                                              name.str(), type_name(value)));
    }
  }
  return texts;
}

std::vector<const toml::table*> ConfigTable::tables(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !array->is_array_of_tables())) {
    wrong(key,
          fmt::format("must be written [[{}]], one for each, not as {}", key, type_name(*node)));
    return {};
  }
  std::vector<const toml::table*> tables;
  for (const toml::node& element : *array) tables.push_back(element.as_table());
  return tables;
}

void ConfigTable::not_yet(std::string_view key) { not_yet_.insert(key); }

void ConfigTable::finish() {
  for (const auto& [key, node] : table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    const bool is_section = node.is_table() || node.is_array_of_tables();
    if (not_yet_.contains(key.str())) {
      errors_.add(key.source(), fmt::format("{}: not supported by this version", name(key.str())));
    } else {
      errors_.add(key.source(),
                  fmt::format("{}: no such {}{}", name(key.str()), is_section ? "section" : "key",
                              did_you_mean(key.str(), known_)));
    }
  }
}

}  // namespace upkeep
