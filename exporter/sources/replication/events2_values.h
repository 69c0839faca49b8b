#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/model/drbd.h"
#include "exporter/model/ids.h"
#include "exporter/sources/replication/events2_parser.h"

namespace upkeep {

/// Copies values of an events2 line into the model. A key that is absent leaves its target as it
/// was; a value that isn't understood is named in `unparsed`, and a number then becomes unknown.
class Events2Values {
 public:
  Events2Values(const Events2Line& line, std::vector<std::string>& unparsed)
      : line_(line), unparsed_(unparsed) {}

  /// An unknown word is kept as it is, with kind `other`.
  template <class Kind, std::size_t N>
  void word(std::string_view key, const std::array<DrbdWord<Kind>, N>& words,
            Stated<Kind>& to) const {
    const auto value = line_.value(key);
    if (!value) return;
    to = stated(words, *value);
    if (to == Kind::other) report(key, *value);
  }
  void text(std::string_view key, std::string& to) const;
  /// yes, no; unknown is absent.
  void flag(std::string_view key, std::optional<bool>& to) const;
  void kibibytes(std::string_view key, std::optional<Bytes>& to) const;
  /// A figure times `unit`; "nan" and "inf" are absent.
  void figure(std::string_view key, double unit, std::optional<double>& to) const;
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key) const;

 private:
  void report(std::string_view key, std::string_view value) const;

  const Events2Line& line_;
  std::vector<std::string>& unparsed_;
};

}  // namespace upkeep
