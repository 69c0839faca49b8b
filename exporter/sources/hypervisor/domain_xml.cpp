#include "exporter/sources/hypervisor/domain_xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <pugixml.hpp>

namespace upkeep {
namespace {

struct ManagerNamespace {
  std::string_view part;  ///< Of the namespace's URI.
  std::string_view name;
};

// Namespaces that managers put into <metadata>. Where two could match, the more specific first.
constexpr std::array<ManagerNamespace, 8> kManagers{{
    {"openstack.org/xmlns/libvirt/nova", "nova"},
    {"ovirt.org/vm", "ovirt"},
    {"opennebula.org", "opennebula"},
    {"kubevirt.io", "kubevirt"},
    {"cloudstack.apache.org", "cloudstack"},
    {"xmlns.harvesterhci.io", "harvester"},
    {"vdsm", "ovirt"},
    {"eucalyptus", "eucalyptus"},
}};

std::string text_of(const pugi::xml_attribute& attribute) { return attribute.as_string(); }

std::string network_source(const pugi::xml_node& source) {
  const std::string protocol = text_of(source.attribute("protocol"));
  const std::string name = text_of(source.attribute("name"));
  if (!name.empty()) return fmt::format("{}:{}", protocol, name);
  return fmt::format("{}:{}", protocol, text_of(source.child("host").attribute("name")));
}

DiskSource source_of(const pugi::xml_node& disk) {
  const pugi::xml_node source = disk.child("source");
  const std::string_view type = disk.attribute("type").as_string();
  if (type == "network") return {DiskSource::Kind::network, network_source(source), {}, {}};
  if (type == "volume") {
    DiskSource found{DiskSource::Kind::volume,
                     {},
                     text_of(source.attribute("pool")),
                     text_of(source.attribute("volume"))};
    found.text = fmt::format("{}/{}", found.pool, found.volume);
    return found;
  }
  for (const char* attribute : {"file", "dev", "dir"}) {
    std::string path = text_of(source.attribute(attribute));
    if (path.empty()) continue;
    // vhost-vdpa has a dev= too, but what it leads to is not a block device.
    const bool plain = type == "file" || type == "block" || type == "dir";
    return {plain ? DiskSource::Kind::path : DiskSource::Kind::other, std::move(path), {}, {}};
  }
  if (type == "file" || type == "block" || type == "dir") return {};
  return {DiskSource::Kind::other, std::string(type), {}, {}};
}

std::optional<DefinedDisk> disk_of(const pugi::xml_node& disk) {
  const std::string_view device = disk.attribute("device").as_string("disk");
  if (device == "cdrom" || device == "floppy") return std::nullopt;
  const std::string policy = text_of(disk.child("source").attribute("startupPolicy"));
  return DefinedDisk{.target = {text_of(disk.child("target").attribute("dev"))},
                     .source = source_of(disk),
                     .optional_at_start = policy == "optional"};
}

std::optional<DefinedNetwork> network_of(const pugi::xml_node& interface) {
  const std::string_view type = interface.attribute("type").as_string();
  const pugi::xml_node source = interface.child("source");
  if (type == "network") {
    return DefinedNetwork{.name = text_of(source.attribute("network")), .is_bridge = false};
  }
  if (type == "bridge") {
    return DefinedNetwork{.name = text_of(source.attribute("bridge")), .is_bridge = true};
  }
  if (type == "direct") {
    return DefinedNetwork{.name = text_of(source.attribute("dev")), .is_bridge = true};
  }
  return std::nullopt;
}

/// pugixml knows no namespaces: a metadata element is recognised by the xmlns it declares (libvirt
/// writes it on the element itself) or that the domain declares for its prefix.
std::string namespace_of(const pugi::xml_node& element, const pugi::xml_node& domain) {
  const std::string_view name = element.name();
  const auto colon = name.find(':');
  const std::string declaration =
      colon == std::string_view::npos ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
  std::string found = text_of(element.attribute(declaration.c_str()));
  if (found.empty()) found = text_of(domain.attribute(declaration.c_str()));
  return found;
}

std::string manager_of(const pugi::xml_node& domain) {
  for (const pugi::xml_node& element : domain.child("metadata").children()) {
    const std::string uri = namespace_of(element, domain);
    const auto* known = std::ranges::find_if(kManagers, [&](const ManagerNamespace& manager) {
      return uri.find(manager.part) != std::string::npos;
    });
    if (known != kManagers.end()) return std::string(known->name);
  }
  return {};
}

}  // namespace

Result<DomainDefinition> parse_domain(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed) {
    return fail(Errc::invalid,
                fmt::format("domain XML: {} at byte {}", parsed.description(), parsed.offset));
  }
  const pugi::xml_node domain = document.child("domain");
  if (domain.empty()) return fail(Errc::invalid, "domain XML: no <domain>");

  DomainDefinition definition;
  definition.other_manager = manager_of(domain);
  const pugi::xml_node devices = domain.child("devices");
  for (const pugi::xml_node& node : devices.children("disk")) {
    if (auto disk = disk_of(node)) definition.disks.push_back(std::move(*disk));
  }
  for (const pugi::xml_node& node : devices.children("interface")) {
    auto network = network_of(node);
    if (!network || network->name.empty()) continue;
    const bool seen = std::ranges::find(definition.networks, *network) != definition.networks.end();
    if (!seen) definition.networks.push_back(std::move(*network));
  }
  return definition;
}

}  // namespace upkeep
