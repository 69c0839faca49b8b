#pragma once

#include <string>

namespace upkeep {

/// What libvirt does to a guest that reboots or is reset: `<on_reboot>` of the domain's XML, which
/// is "restart" when it isn't there. Empty: the XML can't be read.
[[nodiscard]] std::string on_reboot(const std::string& domain_xml);

}  // namespace upkeep
