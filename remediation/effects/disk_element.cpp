#include "remediation/effects/disk_element.h"

#include <pugixml.hpp>
#include <sstream>

namespace upkeep {
namespace {

std::string text_of(const pugi::xml_node& node) {
  std::ostringstream out;
  node.print(out, "  ");
  return out.str();
}

}  // namespace

std::optional<std::string> disk_element(const std::string& domain_xml, const DiskTarget& target) {
  pugi::xml_document document;
  if (!document.load_string(domain_xml.c_str())) return std::nullopt;
  for (const pugi::xml_node& disk : document.child("domain").child("devices").children("disk")) {
    if (disk.child("target").attribute("dev").value() == target.value) return text_of(disk);
  }
  return std::nullopt;
}

std::string without_address(const std::string& disk_element) {
  pugi::xml_document document;
  if (!document.load_string(disk_element.c_str())) return disk_element;
  pugi::xml_node disk = document.child("disk");
  disk.remove_child("address");
  disk.remove_child("alias");
  return text_of(disk);
}

}  // namespace upkeep
