#include "app/cli/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace upkeep::cli {
namespace {

std::string_view escape(Colour colour) {
  switch (colour) {
    case Colour::none: return "";
    case Colour::good: return "\033[32m";
    case Colour::bad: return "\033[31m";
    case Colour::warning: return "\033[33m";
    case Colour::strong: return "\033[1m";
    case Colour::faint: return "\033[2m";
  }
  return "";
}

/// Characters, not bytes: each code point counts as one column.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

Style style_for(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  const bool able = term != nullptr && std::string_view(term) != "dumb";
  return {.colour = wanted && able && isatty(fd) == 1};
}

std::string painted(std::string_view text, Colour colour, const Style& style) {
  if (!style.colour || colour == Colour::none || text.empty()) return std::string(text);
  return std::string(escape(colour)).append(text).append("\033[0m");
}

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (byte < 0x20U || byte == 0x7FU) {
      result += byte == '\n' || byte == '\t' ? ' ' : '?';
    } else if (byte == 0xC2U && next >= 0x80U && next <= 0x9FU) {
      result += '?';  // U+0080 to U+009F: terminals take some of them as escape
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

void Table::add(std::vector<Cell> row) {
  row.resize(head_.size());
  for (Cell& cell : row) cell.text = printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::text(const Style& style) const {
  std::vector<std::size_t> widths;
  widths.reserve(head_.size());
  for (const std::string& title : head_) widths.push_back(width(title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i].text));
  }
  std::string result;
  const auto line = [&](const std::vector<Cell>& row) {
    std::size_t owed = 0;  // blanks before the next cell that isn't empty
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!row[i].text.empty()) {
        result.append(owed, ' ');
        result += painted(row[i].text, row[i].colour, style);
        owed = 0;
      }
      owed += widths[i] - width(row[i].text) + 2;
    }
    result += '\n';
  };
  std::vector<Cell> head;
  head.reserve(head_.size());
  for (const std::string& title : head_) head.push_back({title, Colour::faint});
  line(head);
  for (const auto& row : rows_) line(row);
  return result;
}

}  // namespace upkeep::cli
