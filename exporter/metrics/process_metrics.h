#pragma once

#include <filesystem>

#include "exporter/metrics/exposition.h"

namespace upkeep {

/// Writes the process_* gauges that every exporter has, of this process, from `root`/proc; one that
/// can't be read is absent.
void write_process(Exposition& out, const std::filesystem::path& root = "/");

}  // namespace upkeep
