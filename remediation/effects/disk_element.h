#pragma once

#include <optional>
#include <string>

#include "exporter/model/ids.h"

namespace upkeep {

/// The `<disk>` element of that target, as it stands in a domain's XML; nothing when the XML has
/// none (or can't be read).
[[nodiscard]] std::optional<std::string> disk_element(const std::string& domain_xml,
                                                      const DiskTarget& target);

/// The element without its address and alias, so that libvirt chooses a free slot.
[[nodiscard]] std::string without_address(const std::string& disk_element);

}  // namespace upkeep
