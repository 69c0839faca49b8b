#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/web/report.h"
#include "exporter/model/result.h"
#include "remediation/journal.h"

namespace upkeep::web {

/// Text made safe for HTML, in and outside of attributes.
[[nodiscard]] std::string escaped(std::string_view text);

/// The page at `/`: mode, sources, VMs and why they are as they are, DRBD, what was done last. One
/// self-contained document: no script, nothing from elsewhere; it reloads itself.
[[nodiscard]] std::string status_page(const Moment& moment,
                                      const Result<std::vector<HistoryEntry>>& history);

}  // namespace upkeep::web
