#include "app/cli/offline_declared.h"

#include "remediation/gates/pause.h"

namespace upkeep::cli {
namespace {

bool still_holds(const StandingKey& key, const JournalState& journal, const Reader& reader) {
  const Standing* said = standing_at(journal.standings, key, reader.now);
  if (said == nullptr || maintenance_is_over(*said, reader.boot)) return false;
  const auto left = pause_left(*said, reader.now);
  return !left || left->count() > 0;
}

}  // namespace

History still_declared(const JournalState& journal, const Reader& reader) {
  History known;
  known.intents = journal.intents;
  for (const auto& [key, said] : journal.standings) {
    if (still_holds(key, journal, reader)) known.standings.emplace(key, said);
  }
  return known;
}

}  // namespace upkeep::cli
