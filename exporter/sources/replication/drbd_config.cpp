#include "exporter/sources/replication/drbd_config.h"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <pugixml.hpp>
#include <sstream>
#include <system_error>

#include "platform/process.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

constexpr std::array kAfterSplitBrain{"after-sb-0pri", "after-sb-1pri", "after-sb-2pri"};
constexpr std::size_t kConfigCap = std::size_t{16} << 20U;  // Thousands of resources.
constexpr std::chrono::milliseconds kKillGrace{250};

// The value of an option in the first of the nodes' sections that has it.
std::string option_value(std::initializer_list<pugi::xml_node> nodes, const char* section,
                         const char* option) {
  for (const pugi::xml_node& node : nodes) {
    for (const pugi::xml_node& found : node.children("section")) {
      if (std::string_view(found.attribute("name").value()) != section) continue;
      const pugi::xml_node value = found.find_child_by_attribute("option", "name", option);
      if (value) return value.attribute("value").value();
    }
  }
  return {};
}

// Absent is the default, which is `disconnect` for all three.
bool all_disconnect(const pugi::xml_node& link, const pugi::xml_node& resource,
                    const pugi::xml_node& common) {
  return std::ranges::all_of(kAfterSplitBrain, [&](const char* option) {
    const std::string value = option_value({link, resource, common}, "net", option);
    return value.empty() || value == "disconnect";
  });
}

// The other of two hosts. A section may be of several hosts at once (stacked, `on a b`), and a
// `floating` one is of whichever has the address: then nobody can tell who is there.
std::optional<NodeName> other_host(const pugi::xml_node& resource, std::string_view host) {
  std::vector<std::string> others;
  bool here = false;
  for (const pugi::xml_node& section : resource.children("host")) {
    std::istringstream names(section.attribute("name").value());
    std::string name;
    if (!(names >> name)) return std::nullopt;
    do {
      if (name == host) {
        here = true;
      } else {
        others.push_back(name);
      }
    } while (names >> name);
  }
  if (!here || others.size() != 1) return std::nullopt;
  return NodeName{others[0]};
}

bool names_host(const pugi::xml_node& section, std::string_view host) {
  std::istringstream names(section.attribute("name").value());
  for (std::string name; names >> name;) {
    if (name == host) return true;
  }
  return false;
}

std::map<VolumeNumber, std::string> backing_of(const pugi::xml_node& resource,
                                               std::string_view host) {
  std::map<VolumeNumber, std::string> backing;
  for (const pugi::xml_node& section : resource.children("host")) {
    if (!names_host(section, host)) continue;
    for (const pugi::xml_node& volume : section.children("volume")) {
      backing.emplace(VolumeNumber{volume.attribute("vnr").as_uint()}, volume.child_value("disk"));
    }
  }
  return backing;
}

std::string this_host() {
  utsname name{};
  return uname(&name) == 0 ? name.nodename : "";
}

DrbdResourceOptions to_options(const pugi::xml_node& resource, const pugi::xml_node& common) {
  DrbdResourceOptions options;
  bool disconnect = all_disconnect({}, resource, common);
  for (const pugi::xml_node& link : resource.children("connection")) {
    disconnect = disconnect && all_disconnect(link, resource, common);
  }
  options.after_sb_all_disconnect = disconnect;
  const std::string quorum = option_value({resource, common}, "options", "quorum");
  options.quorum_configured = !quorum.empty() && quorum != "off";
  const std::string where = resource.attribute("conf-file-line").value();  // "FILE:LINE"
  options.file = where.substr(0, where.rfind(':'));
  return options;
}

Result<std::string> drbdadm(const DrbdConfigRequest& request, const char* command,
                            const std::stop_token& stop) {
  auto result = run({.argv = {request.drbdadm, command},
                     .deadline = request.deadline,
                     .output_cap = kConfigCap,
                     .kill_grace = kKillGrace,
                     .stop = stop});
  if (!result) return std::unexpected(result.error());
  if (result->exit_code != 0) {
    return fail(Errc::invalid, fmt::format("{} {}: exit code {}: {}", request.drbdadm, command,
                                           result->exit_code, result->err.substr(0, 400)));
  }
  return std::move(result->out);
}

DrbdConfig::Peers peers_of(const DrbdResourceOptionsByName& resources) {
  DrbdConfig::Peers peers;
  for (const auto& [name, options] : resources) {
    if (options.peer) peers.emplace(name, *options.peer);
  }
  return peers;
}

Result<DrbdResourceOptionsByName> read_resources(const DrbdConfigRequest& request,
                                                 const std::stop_token& stop,
                                                 std::optional<DrbdConfig::Peers>& peers) {
  const auto names = drbdadm(request, "sh-resources", stop);
  if (!names) return std::unexpected(names.error());
  DrbdResourceOptionsByName resources;
  for (ResourceName& name : parse_sh_resources(*names)) resources.try_emplace(std::move(name));
  // dump-xml checks addresses and so fails while a network card is down; the names are still good,
  // their options are not known then.
  const auto xml = resources.empty() ? Result<std::string>("") : drbdadm(request, "dump-xml", stop);
  if (!xml) return resources;
  const auto options = parse_dump_xml(*xml, request.host.empty() ? this_host() : request.host);
  if (!options) return resources;
  peers = peers_of(*options);
  for (auto& [name, known] : resources) {
    if (const auto found = options->find(name); found != options->end()) known = found->second;
  }
  return resources;
}

std::set<ResourceName> read_linstor(const fs::path& root) {
  std::set<ResourceName> names;
  std::error_code error;
  for (fs::directory_iterator at(root / "var/lib/linstor.d", error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".res") names.insert(ResourceName{at->path().stem()});
  }
  return names;
}

void add_words(std::string line, std::string_view separators, std::set<std::string>& words) {
  std::ranges::replace_if(line, [&](char c) { return separators.contains(c); }, ' ');
  std::istringstream split(line);
  for (std::string word; split >> word;) words.insert(word);
}

// Every word outside comments: which of them is a resource depends on TOML's many spellings, and
// taking one too many only leaves a resource alone.
void add_promoter_words(const fs::path& path, std::set<std::string>& words) {
  std::ifstream file(path);
  std::set<std::string> found;
  for (std::string line; std::getline(file, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    add_words(line, "[]{}\"'=, \t", found);   // A quoted name may have dots,
    add_words(line, "[]{}\"'=,. \t", found);  // a bare one is between them.
  }
  if (found.contains("promoter")) words.merge(found);
}

std::set<std::string> read_promoter_words(const fs::path& root) {
  std::set<std::string> words;
  add_promoter_words(root / "etc/drbd-reactor.toml", words);
  std::error_code error;
  for (fs::directory_iterator at(root / "etc/drbd-reactor.d", error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".toml") add_promoter_words(at->path(), words);
  }
  return words;
}

bool is_ganeti_name(const DrbdResource& resource) {
  return std::ranges::any_of(resource.devices, [&](const DrbdDevice& device) {
    return resource.name.value == fmt::format("resource{}", device.minor.value);
  });
}

void put_name(const DrbdConfig& config, const ResourceName& resource, NodeName& peer) {
  if (!config.peers || peer.value != kPeerOf84) return;
  const auto found = config.peers->find(resource);
  if (found != config.peers->end()) peer = found->second;
}

std::string manager_of(const DrbdConfig& config, const DrbdResource& resource,
                       const std::string& file) {
  if (config.linstor.contains(resource.name) || file.starts_with("/var/lib/linstor")) {
    return "linstor";
  }
  if (config.promoter_words.contains(resource.name.value)) return "drbd-reactor";
  if (resource.configured != true && is_ganeti_name(resource)) return "ganeti";
  return {};
}

}  // namespace

std::vector<ResourceName> parse_sh_resources(std::string_view text) {
  std::vector<ResourceName> names;
  std::istringstream split{std::string(text)};
  for (std::string name; split >> name;) names.push_back(ResourceName{name});
  return names;
}

std::string parse_utils_version(std::string_view text) {
  constexpr std::string_view kKey = "DRBDADM_VERSION=";
  for (std::size_t at = text.find(kKey); at != std::string_view::npos;
       at = text.find(kKey, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::string_view value = text.substr(at + kKey.size());
    return std::string(value.substr(0, value.find_first_not_of("0123456789.abcdefrc-")));
  }
  return {};
}

Result<DrbdResourceOptionsByName> parse_dump_xml(const std::string& text, std::string_view host) {
  pugi::xml_document document;
  const auto parsed = document.load_string(text.c_str());
  if (!parsed) return fail(Errc::invalid, fmt::format("dump-xml: {}", parsed.description()));
  // `dump-xml RES` prints the resource alone, `dump-xml` a whole config.
  const pugi::xml_node config =
      document.child("config") ? document.child("config") : document.root();
  DrbdResourceOptionsByName resources;
  for (const pugi::xml_node& resource : config.children("resource")) {
    const ResourceName name{resource.attribute("name").value()};
    DrbdResourceOptions options = to_options(resource, config.child("common"));
    options.peer = other_host(resource, host);
    options.backing = backing_of(resource, host);
    resources.insert_or_assign(name, std::move(options));
  }
  return resources;
}

DrbdConfig read_drbd_config(const DrbdConfigRequest& request, const std::stop_token& stop) {
  DrbdConfig config;
  std::error_code error;
  config.drbdadm_missing = !fs::exists(request.drbdadm, error);
  if (config.drbdadm_missing) {
    config.resources = fail(Errc::not_found, request.drbdadm + " is not installed");
  } else {
    config.resources = read_resources(request, stop, config.peers);
    if (auto version = drbdadm(request, "--version", stop)) {
      config.utils_version = parse_utils_version(*version);
    }
  }
  config.linstor = read_linstor(request.root);
  config.promoter_words = read_promoter_words(request.root);
  return config;
}

void name_peer(const DrbdConfig& config, DrbdEvent& event) {
  put_name(config, event.resource, event.peer);
}

void merge(const DrbdConfig& config, Drbd& drbd) {
  drbd.utils_version = config.utils_version;
  if (config.resources) {
    for (const auto& [name, options] : *config.resources) {
      const auto at = std::ranges::lower_bound(drbd.resources, name, {}, &DrbdResource::name);
      if (at != drbd.resources.end() && at->name == name) continue;
      DrbdResource down;
      down.name = name;
      drbd.resources.insert(at, std::move(down));
    }
  }
  for (DrbdResource& resource : drbd.resources) {
    std::string file;
    if (config.resources) {
      const auto found = config.resources->find(resource.name);
      resource.configured = found != config.resources->end();
      if (*resource.configured) {
        resource.after_sb_all_disconnect = found->second.after_sb_all_disconnect;
        resource.quorum_configured = found->second.quorum_configured;
        file = found->second.file;
      }
    }
    resource.other_manager = manager_of(config, resource, file);
    for (DrbdPeer& peer : resource.peers) put_name(config, resource.name, peer.name);
  }
}

}  // namespace upkeep
