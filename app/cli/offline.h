#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "app/config.h"
#include "exporter/model/result.h"
#include "remediation/journal.h"

// What the journal says while no daemon runs, in the shape of the HTTP API's answers with
// `"offline": true`. What only a daemon can see is `unknown` or null.

namespace upkeep::cli {

/// When the journal is read, and in which boot: what was said may be over by now.
struct Reader {
  WallTime now{};
  BootId boot = {};  ///< Empty: not known.
};

[[nodiscard]] nlohmann::json offline_status(const JournalState& journal, const Config& config,
                                            const Reader& reader);

/// `target` may be a bare name; not_found when the journal knows neither VM nor resource of it.
[[nodiscard]] Result<nlohmann::json> offline_why(const std::string& target,
                                                 const JournalState& journal, const Config& config,
                                                 const Reader& reader);

/// `entries` newest first, as the journal gives them.
[[nodiscard]] nlohmann::json offline_history(const std::vector<HistoryEntry>& entries);

/// The target that a person's word means: itself when it is "vm/…" or "resource/…", else the VM of
/// that name, else the resource.
[[nodiscard]] Result<Target> resolve_target(const std::string& word, const JournalState& journal);

}  // namespace upkeep::cli
