#include "exporter/model/node_names.h"

#include <algorithm>
#include <string_view>

namespace upkeep {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_but_for_case(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool is_short_for(std::string_view name, std::string_view full) {
  return !name.empty() && name.find('.') == std::string_view::npos &&
         full.find('.') != std::string_view::npos &&
         same_but_for_case(name, full.substr(0, full.find('.')));
}

}  // namespace

Likeness likeness(const NodeName& one, const NodeName& other) {
  if (one == other) return Likeness::equal;
  if (same_but_for_case(one.value, other.value)) return Likeness::but_for_case;
  const bool short_for =
      is_short_for(one.value, other.value) || is_short_for(other.value, one.value);
  return short_for ? Likeness::but_for_domain : Likeness::none;
}

bool is_name_of(const NodeName& one, const NodeName& other) {
  return likeness(one, other) != Likeness::none;
}

}  // namespace upkeep
