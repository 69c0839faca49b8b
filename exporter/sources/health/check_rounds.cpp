#include "exporter/sources/health/check_rounds.h"

#include <algorithm>
#include <string_view>

namespace upkeep {
namespace {

constexpr std::string_view kEndless = "the check does not end";

}  // namespace

void CheckRounds::see(const std::vector<ActiveVm>& vms) {
  std::map<VmUuid, Guest> seen;
  for (const ActiveVm& vm : vms) {
    const auto known = guests_.find(vm.uuid);
    const bool same = known != guests_.end() && known->second.vm.run == vm.run &&
                      known->second.vm.check == vm.check;
    if (!same) healths_.erase(vm.uuid);
    Guest guest = same ? known->second : Guest{};
    guest.vm = vm;
    seen.emplace(vm.uuid, std::move(guest));
  }
  guests_ = std::move(seen);
  std::erase_if(healths_, [&](const auto& line) { return !guests_.contains(line.first); });
}

bool CheckRounds::has_room(const Guest& guest) const {
  const HealthCheck::Kind kind = guest.vm.check.kind;
  std::size_t busy = 0;
  std::size_t slow = 0;
  for (const auto& [uuid, asked] : asked_) {
    if (asked.kind != kind) continue;
    ++busy;
    if (asked.slow) ++slow;
  }
  if (kind == HealthCheck::Kind::tcp) return busy < pace_.connections;
  return busy < pace_.agents && (!guest.slow || slow < pace_.slow_agents);
}

std::vector<CheckOrder> CheckRounds::due(Tick now) {
  std::vector<Guest*> waiting;
  for (auto& [uuid, guest] : guests_) {
    if (guest.vm.running && guest.next <= now && !asked_.contains(uuid)) waiting.push_back(&guest);
  }
  // Who has waited longest goes first, so that everybody gets a turn.
  std::ranges::stable_sort(waiting, {}, &Guest::next);
  std::vector<CheckOrder> orders;
  for (const Guest* guest : waiting) {
    if (!has_room(*guest)) continue;
    const ActiveVm& vm = guest->vm;
    asked_.emplace(vm.uuid, Asked{.kind = vm.check.kind, .since = now, .slow = guest->slow});
    orders.push_back({.uuid = vm.uuid, .run = vm.run, .check = vm.check});
  }
  return orders;
}

bool CheckRounds::take(const CheckOrder& order, const CheckAnswer& answer, Tick began, Tick ended) {
  asked_.erase(order.uuid);
  const auto found = guests_.find(order.uuid);
  if (found == guests_.end()) return false;
  Guest& guest = found->second;
  // An answer of another run, or to another question. The guest is due at once.
  if (guest.vm.run != order.run || guest.vm.check != order.check) return false;
  guest.slow = ended - began > pace_.slow;
  const auto known = healths_.find(order.uuid);
  VmHealth health = known == healths_.end() ? VmHealth{} : known->second;
  const VmHealth before = health;
  if (answer.kind != CheckAnswer::Kind::not_asked) {
    health.healthy = answer.kind == CheckAnswer::Kind::healthy;
    health.detail = health.healthy ? std::string() : answer.detail;
    health.at = ended;
    // The earlier tick: whatever happened since may have ended what was asked.
    if (health.healthy) health.verified = began;
  } else if (health.at == Tick{}) {
    health.detail = answer.detail;  // Nothing better is known.
  }
  guest.next = ended + (health.verified ? pace_.verified : pace_.unverified);
  const bool news = known == healths_.end() || health.healthy != before.healthy ||
                    health.detail != before.detail ||
                    health.verified.has_value() != before.verified.has_value();
  healths_.insert_or_assign(order.uuid, std::move(health));
  return news;
}

bool CheckRounds::note_overdue(Tick now) {
  bool news = false;
  for (auto& [uuid, asked] : asked_) {
    if (now - asked.since < pace_.overdue) continue;
    asked.slow = true;
    if (!guests_.contains(uuid)) continue;
    VmHealth& health = healths_[uuid];
    // What it said before only grows old.
    if (health.at != Tick{} || health.detail == kEndless) continue;
    health.detail = kEndless;
    news = true;
  }
  return news;
}

}  // namespace upkeep
