#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_values.h"

// toml++ is heavy: only the .cpp files include it.
namespace toml::inline v3 {
class node;
class table;
struct source_region;
}  // namespace toml::inline v3

namespace upkeep {

/// What is wrong with a configuration file, gathered until the end so that one run shows all of it.
class ConfigErrors {
 public:
  explicit ConfigErrors(std::string_view file_name) : file_name_(file_name) {}

  void add(const toml::source_region& where, std::string_view what);

  [[nodiscard]] bool empty() const { return lines_.empty(); }
  /// "FILE:LINE:COLUMN: what", a line each, in file order.
  [[nodiscard]] std::string text() const;

 private:
  struct Line {
    std::uint32_t line = 0, column = 0;
    std::string what;
  };

  std::string file_name_;
  std::vector<Line> lines_;
};

/// One word of a closed set and what it stands for.
template <class T>
struct ConfigWord {
  std::string_view word;
  T value;
};

/// Strict reading of one TOML table: each key is asked for once; a key that nobody asked for is an
/// error at `finish`. A value that is wrong is reported and leaves `out` as it was.
class ConfigTable {
 public:
  /// `path` is what messages call it: "policy", "[[vm]]"; empty for the file.
  ConfigTable(const toml::table& table, std::string path, ConfigErrors& errors)
      : table_(table), path_(std::move(path)), errors_(errors) {}

  void read(std::string_view key, bool& out);
  void read_count(std::string_view key, int& out, int least, int most);
  void read_number(std::string_view key, double& out, double least, double most);
  void read_duration(std::string_view key, Duration& out, Duration least, Duration most);
  void read_path(std::string_view key, std::filesystem::path& out);

  /// A string that `parse` accepts; nothing when the key is absent or wrong.
  template <class T>
  [[nodiscard]] std::optional<T> parsed(std::string_view key,
                                        Parsed<T> (*parse)(std::string_view)) {
    const std::optional<std::string> text = string(key);
    if (!text) return {};
    Parsed<T> value = parse(*text);
    if (value) return std::move(*value);
    wrong(key, value.error());
    return {};
  }

  enum class EmptyList { allowed, refused };
  /// A list of strings that `parse` accepts; without those that are (reported) wrong.
  [[nodiscard]] std::vector<std::string> all_parsed(std::string_view key,
                                                    Parsed<std::string> (*parse)(std::string_view),
                                                    EmptyList empty = EmptyList::refused);
  /// One of `words`.
  template <class T>
  [[nodiscard]] std::optional<T> word(std::string_view key, std::span<const ConfigWord<T>> words) {
    std::vector<std::string_view> known;
    for (const auto& [word, value] : words) known.push_back(word);
    const std::optional<std::string> text = text_of(key, known);
    for (const auto& [word, value] : words) {
      if (text == word) return value;
    }
    return {};
  }

  /// The string at `key`; nothing when it is absent or (reported) no string.
  [[nodiscard]] std::optional<std::string> string(std::string_view key);
  /// The table at `key`, or null.
  [[nodiscard]] const toml::table* table(std::string_view key);
  /// The strings of the table at `key`, by name; without those that are (reported) none.
  [[nodiscard]] std::map<std::string, std::string> texts(std::string_view key);
  /// The tables of `[[key]]`.
  [[nodiscard]] std::vector<const toml::table*> tables(std::string_view key);

  /// A key of a later version: using it is an error that says so.
  void not_yet(std::string_view key);
  /// Reports what is wrong at the key's value, or at the table's head when the key is absent.
  void wrong(std::string_view key, std::string_view what);
  /// Reports every key that nobody asked for.
  void finish();

  [[nodiscard]] bool has(std::string_view key) const;

 private:
  [[nodiscard]] const toml::node* take(std::string_view key);
  [[nodiscard]] std::optional<std::string> text_of(std::string_view key,
                                                   std::span<const std::string_view> known);
  void wrong_type(std::string_view key, std::string_view wanted);
  [[nodiscard]] std::string name(std::string_view key) const;

  const toml::table& table_;
  std::string path_;
  ConfigErrors& errors_;
  std::vector<std::string_view> known_;
  std::set<std::string_view> not_yet_;
};

}  // namespace upkeep
