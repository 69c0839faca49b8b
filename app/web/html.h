#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace upkeep::web {

/// How a cell or word looks.
enum class Tone { plain, name, dim, good, warn, bad };

/// The class attribute of a tone, with a leading blank; empty for plain.
[[nodiscard]] std::string class_of(Tone tone);

/// `<span class="bad">…</span>`, escaped.
[[nodiscard]] std::string span(std::string_view text, Tone tone);

/// A cell whose content is HTML already.
struct HtmlCell {
  std::string html;
  Tone tone = Tone::plain;
};

/// A table that a phone can show row by row.
class HtmlTable {
 public:
  explicit HtmlTable(std::vector<std::string_view> columns);

  void add(const std::vector<HtmlCell>& cells);
  [[nodiscard]] std::string html() const;

 private:
  std::vector<std::string_view> columns_;
  std::string rows_;
};

}  // namespace upkeep::web
