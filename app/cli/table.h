#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace upkeep::cli {

/// How output looks: colours on a terminal, plain text in a pipe.
struct Style {
  bool colour = false;
};

/// Colours when `fd` is a terminal that can and NO_COLOR is unset.
[[nodiscard]] Style style_for(int fd);

enum class Colour { none, good, bad, warning, strong, faint };

/// The text in that colour, if there are colours.
[[nodiscard]] std::string painted(std::string_view text, Colour colour, const Style& style);

/// The text without what would move a terminal's cursor or break a line: names come from other
/// programs and other nodes.
[[nodiscard]] std::string printable(std::string_view text);

struct Cell {
  std::string text;
  Colour colour = Colour::none;
};

/// Columns as wide as their widest cell; the last one is never padded.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}

  /// As many cells as the head has; what is missing stays empty.
  void add(std::vector<Cell> row);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string text(const Style& style) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace upkeep::cli
