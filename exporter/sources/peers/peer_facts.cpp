#include "exporter/sources/peers/peer_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace upkeep {
namespace {

using nlohmann::json;

/// A name no libvirt would print as a UUID says that the peer is not what we think it is.
bool looks_like_uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = kShape[i] == '-';
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

Result<std::vector<VmUuid>> uuids(std::string_view key, const json& list) {
  if (!list.is_array()) return fail(Errc::invalid, fmt::format("{} is no list", key));
  std::vector<VmUuid> found;
  for (const json& vm : list) {
    if (!vm.is_string() || !looks_like_uuid(vm.get_ref<const std::string&>())) {
      return fail(Errc::invalid, fmt::format("{} holds something that is no UUID", key));
    }
    found.push_back(VmUuid{vm.get<std::string>()});
  }
  return found;
}

/// An Error of its own: what runs there is known without it.
Result<std::vector<VmUuid>> wanted_vms(const json& node) {
  const auto wanted = node.find("wanted_vms");
  if (wanted == node.end()) {
    return fail(Errc::unavailable,
                "its upkeep is too old to say which VMs it wants: upgrade upkeep there");
  }
  if (wanted->is_null()) {
    return fail(Errc::unavailable, "it can't tell now which VMs it wants");
  }
  return uuids("wanted_vms", *wanted);
}

/// A word as ours are; empty for anything else, which is shown to nobody.
std::string word(const json& value) {
  constexpr std::size_t kLongest = 40;
  if (!value.is_string()) return {};
  const auto& text = value.get_ref<const std::string&>();
  const bool plain =
      text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      });
  return plain ? text : std::string();
}

std::map<VmUuid, std::string> held_vms(const json& node) {
  std::map<VmUuid, std::string> held;
  const auto list = node.find("held_vms");
  if (list == node.end() || !list->is_object()) return held;
  for (const auto& [uuid, reason] : list->items()) {
    if (looks_like_uuid(uuid)) held.emplace(uuid, word(reason));
  }
  return held;
}

}  // namespace

Result<PeerFacts> parse_peer_facts(std::string_view text) {
  const json node = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!node.is_object()) return fail(Errc::invalid, "its answer is not a JSON object");

  PeerFacts facts;
  const auto name = node.find("node");
  if (name == node.end() || !name->is_string() || name->get_ref<const std::string&>().empty()) {
    return fail(Errc::invalid, "it does not say its name");
  }
  facts.node = NodeName{name->get<std::string>()};

  const auto boot = node.find("boot_id");
  if (boot == node.end() || !boot->is_string()) {
    return fail(Errc::unavailable, "it does not know its own boot id yet");
  }
  facts.boot_id = BootId{boot->get<std::string>()};

  const auto boot_time = node.find("boot_time");
  if (boot_time == node.end() || !boot_time->is_number()) {
    return fail(Errc::unavailable, "it does not know its own boot time yet");
  }
  const double seconds = boot_time->get<double>();
  constexpr double kLatest = 253402300799;  // the end of the year 9999: beyond it chrono overflows
  if (!std::isfinite(seconds) || seconds < 0 || seconds > kLatest) {
    return fail(Errc::invalid, fmt::format("boot_time {} is no time", seconds));
  }
  facts.boot_time = WallTime(std::chrono::duration_cast<WallTime::duration>(Seconds(seconds)));

  const auto known = node.find("vms_known");
  const auto vms = node.find("active_vms");
  if (known == node.end() || !known->is_boolean() || !known->get<bool>()) {
    return fail(Errc::unavailable, "it can't ask its libvirt which VMs are active");
  }
  if (vms == node.end()) return fail(Errc::invalid, "active_vms is no list");
  auto active = uuids("active_vms", *vms);
  if (!active) return std::unexpected(std::move(active.error()));
  facts.active_vms = std::move(*active);
  facts.wanted_vms = wanted_vms(node);
  if (const auto mode = node.find("mode"); mode != node.end()) facts.mode = word(*mode);
  facts.held_vms = held_vms(node);
  return facts;
}

}  // namespace upkeep
