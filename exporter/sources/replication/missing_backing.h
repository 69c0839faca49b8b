#pragma once

#include <filesystem>

#include "exporter/model/drbd.h"
#include "exporter/sources/replication/drbd_config.h"

namespace upkeep {

/// Notes the configured backing devices that aren't there, of volumes without an attached disk. A
/// device that comes late is so seen with the next reading. Looks only below /dev, where a look
/// touches no disk and waits for nothing; opens nothing. `root` is where /dev is.
void note_missing_backing(const DrbdConfig& config, const std::filesystem::path& root, Drbd& drbd);

}  // namespace upkeep
