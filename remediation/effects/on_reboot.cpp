#include "remediation/effects/on_reboot.h"

#include <pugixml.hpp>

namespace upkeep {

std::string on_reboot(const std::string& domain_xml) {
  pugi::xml_document document;
  if (!document.load_string(domain_xml.c_str())) return {};
  const pugi::xml_node domain = document.child("domain");
  if (!domain) return {};
  const pugi::xml_node element = domain.child("on_reboot");
  return element ? element.child_value() : "restart";
}

}  // namespace upkeep
