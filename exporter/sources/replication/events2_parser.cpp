#include "exporter/sources/replication/events2_parser.h"

#include <algorithm>
#include <array>
#include <span>

namespace upkeep {
namespace {

using namespace std::string_view_literals;

template <class Kind>
struct Named {
  std::string_view name;
  Kind kind;
};

constexpr std::array<Named<Events2Verb>, 7> kVerbs{{{"exists", Events2Verb::exists},
                                                    {"create", Events2Verb::create},
                                                    {"change", Events2Verb::change},
                                                    {"destroy", Events2Verb::destroy},
                                                    {"rename", Events2Verb::rename},
                                                    {"call", Events2Verb::call},
                                                    {"response", Events2Verb::response}}};

constexpr std::array<Named<Events2Object>, 6> kObjects{{{"resource", Events2Object::resource},
                                                        {"device", Events2Object::device},
                                                        {"connection", Events2Object::connection},
                                                        {"peer-device", Events2Object::peer_device},
                                                        {"path", Events2Object::path},
                                                        {"helper", Events2Object::helper}}};

// Keys of drbd-utils 8.4 to 9.34; those that are not used here are known all the same.
constexpr std::array kResourceKeys{"name"sv,        "new_name"sv,          "role"sv,
                                   "suspended"sv,   "force-io-failures"sv, "write-ordering"sv,
                                   "may_promote"sv, "promotion_score"sv};
constexpr std::array kDeviceKeys{
    "name"sv,         "volume"sv,    "minor"sv,     "backing_dev"sv,   "disk"sv,
    "client"sv,       "open"sv,      "quorum"sv,    "size"sv,          "read"sv,
    "written"sv,      "al-writes"sv, "bm-writes"sv, "upper-pending"sv, "lower-pending"sv,
    "al-suspended"sv, "blocked"sv};
constexpr std::array kConnectionKeys{"name"sv, "peer-node-id"sv, "conn-name"sv,    "connection"sv,
                                     "role"sv, "congested"sv,    "ap-in-flight"sv, "rs-in-flight"sv,
                                     "tls"sv,  "sync-state"sv};
constexpr std::array kPeerDeviceKeys{
    "name"sv,           "peer-node-id"sv,   "conn-name"sv,      "volume"sv,
    "replication"sv,    "peer-disk"sv,      "peer-client"sv,    "resync-suspended"sv,
    "done"sv,           "received"sv,       "sent"sv,           "out-of-sync"sv,
    "pending"sv,        "unacked"sv,        "dbdt1"sv,          "eta"sv,
    "rs-total"sv,       "rs-dt-start-ms"sv, "rs-paused-ms"sv,   "rs-dt0-ms"sv,
    "rs-db0-sectors"sv, "rs-dt1-ms"sv,      "rs-db1-sectors"sv, "ov-start-sector"sv,
    "ov-stop-sector"sv, "ov-position"sv,    "ov-left"sv,        "ov-skipped"sv,
    "rs-failed"sv,      "rs-same-csum"sv,   "want"sv,           "dbdt"sv,
    "dbdt0"sv};
constexpr std::array kPathKeys{"name"sv,  "peer-node-id"sv, "conn-name"sv,
                               "local"sv, "peer"sv,         "established"sv};
constexpr std::array kHelperKeys{"name"sv,   "peer-node-id"sv, "conn-name"sv, "local"sv, "peer"sv,
                                 "volume"sv, "minor"sv,        "helper"sv,    "status"sv};

// Identity, never printed as OLD->NEW: a name may contain "->" itself.
constexpr std::array kIdentityKeys{"name"sv,      "new_name"sv, "peer-node-id"sv,
                                   "conn-name"sv, "local"sv,    "peer"sv,
                                   "volume"sv,    "minor"sv,    "helper"sv};

std::span<const std::string_view> keys_of(Events2Object object) {
  switch (object) {
    case Events2Object::resource: return kResourceKeys;
    case Events2Object::device: return kDeviceKeys;
    case Events2Object::connection: return kConnectionKeys;
    case Events2Object::peer_device: return kPeerDeviceKeys;
    case Events2Object::path: return kPathKeys;
    case Events2Object::helper: return kHelperKeys;
    case Events2Object::end_of_dump:
    case Events2Object::skipped:
    case Events2Object::other: return {};
  }
  return {};
}

template <class Kind, std::size_t N>
Kind kind_of(const std::array<Named<Kind>, N>& table, std::string_view word) {
  const auto found = std::ranges::find(table, word, &Named<Kind>::name);
  return found == table.end() ? Kind::other : found->kind;
}

// Takes the next word off the front of `rest`; empty at the end.
std::string_view next_word(std::string_view& rest) {
  const std::size_t begin = rest.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(begin);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r"));
  rest.remove_prefix(word.size());
  return word;
}

// "2026-11-22T12:43:21.712019+00:00"
bool is_timestamp(std::string_view word) {
  return word.size() >= 19 && word[4] == '-' && word[7] == '-' && word[10] == 'T' &&
         word[13] == ':';
}

void take_value(Events2Line& line, std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    line.unknown.push_back(word);
    return;
  }
  const std::string_view key = word.substr(0, colon);
  std::string_view value = word.substr(colon + 1);
  if (std::ranges::find(kIdentityKeys, key) == kIdentityKeys.end()) {
    const std::size_t arrow = value.find("->");
    if (arrow != std::string_view::npos) value.remove_prefix(arrow + 2);
  }
  if (std::ranges::find(keys_of(line.object), key) == keys_of(line.object).end()) {
    line.unknown.push_back(key);
  }
  line.values.emplace_back(key, value);
}

}  // namespace

std::optional<std::string_view> Events2Line::value(std::string_view key) const {
  const auto found =
      std::ranges::find(values, key, &std::pair<std::string_view, std::string_view>::first);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

Events2Line parse_events2_line(std::string_view text) {
  Events2Line line;
  std::string_view rest = text;
  std::string_view word = next_word(rest);
  if (is_timestamp(word)) {
    line.timestamp = word;
    word = next_word(rest);
  }
  const std::string_view object = next_word(rest);
  if (word == "-" && object == "skipped") {
    line.object = Events2Object::skipped;
    return line;
  }
  line.verb = kind_of(kVerbs, word);
  if (line.verb == Events2Verb::other) line.unknown.push_back(word);
  if (line.verb == Events2Verb::exists && object == "-") {
    line.object = Events2Object::end_of_dump;
    return line;
  }
  line.object = kind_of(kObjects, object);
  if (line.object == Events2Object::other) {
    line.unknown.push_back(object);
    return line;  // What its keys mean isn't known either.
  }
  for (word = next_word(rest); !word.empty(); word = next_word(rest)) take_value(line, word);
  return line;
}

}  // namespace upkeep
