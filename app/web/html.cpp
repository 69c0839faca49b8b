#include "app/web/html.h"

#include <fmt/format.h>

#include "app/web/status_page.h"

namespace upkeep::web {

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string class_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::name: return " class=\"name\"";
    case Tone::dim: return " class=\"dim\"";
    case Tone::good: return " class=\"good\"";
    case Tone::warn: return " class=\"warn\"";
    case Tone::bad: return " class=\"bad\"";
  }
  return "";
}

std::string span(std::string_view text, Tone tone) {
  return fmt::format("<span{}>{}</span>", class_of(tone), escaped(text));
}

HtmlTable::HtmlTable(std::vector<std::string_view> columns) : columns_(std::move(columns)) {}

void HtmlTable::add(const std::vector<HtmlCell>& cells) {
  rows_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    rows_ += fmt::format("<td data-label=\"{}\"{}>{}</td>", escaped(columns_.at(i)),
                         class_of(cells[i].tone), cells[i].html);
  }
  rows_ += "</tr>\n";
}

std::string HtmlTable::html() const {
  std::string head;
  for (const auto column : columns_) head += fmt::format("<th>{}</th>", escaped(column));
  return fmt::format("<table><thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table>\n", head,
                     rows_);
}

}  // namespace upkeep::web
