#include "exporter/sources/hypervisor/disk_backing.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <system_error>

#include "exporter/sources/hypervisor/mounts.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kDrbdMajor = 147;
constexpr std::uint32_t kNbdMajor = 43;
constexpr std::uint32_t kAtaOverEthernetMajor = 152;
constexpr std::uint32_t kZvolMajor = 230;
// Deeper stacks exist only as loops.
constexpr int kMaxDepth = 16;

struct DeviceNumber {
  std::uint32_t major = 0, minor = 0;
};

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Reads a sysfs "dev" file.
std::optional<DeviceNumber> read_device_number(const fs::path& path) {
  const std::string text = first_line(path);
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  DeviceNumber number;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), text.data() + colon, number.major).ec != std::errc{} ||
      std::from_chars(text.data() + colon + 1, end, number.minor).ec != std::errc{}) {
    return std::nullopt;
  }
  return number;
}

/// What rests on both. Only local below something else leaves that something else; any other
/// mixture needs two different proofs, which nobody asks for.
Backing combined(const Backing& one, const Backing& other) {
  if (one.kind == DiskBacking::local) return other;
  if (other.kind == DiskBacking::local) return one;
  if (one.kind != other.kind) return {};
  Backing both = one;
  both.drbd.insert(both.drbd.end(), other.drbd.begin(), other.drbd.end());
  std::ranges::sort(both.drbd);
  both.drbd.erase(std::ranges::unique(both.drbd).begin(), both.drbd.end());
  return both;
}

std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

/// iSCSI, Fibre Channel, Ceph's rbd and NVMe over fabrics show in the device's place in sysfs.
bool is_shared_device(const std::string& place, const std::string& name) {
  constexpr std::array<std::string_view, 3> kTransports{"/session", "/rport-", "/nvme-fabrics/"};
  return name.starts_with("rbd") || std::ranges::any_of(kTransports, [&](std::string_view part) {
           return place.find(part) != std::string::npos;
         });
}

/// A namespace under native NVMe multipath hangs below its subsystem; the controllers, linked
/// there, know how they are attached.
Backing of_nvme_subsystem(const fs::path& subsystem) {
  Backing backing;
  for (const fs::path& entry : entries_of(subsystem)) {
    const std::string transport = first_line(entry / "transport");
    if (transport.empty()) continue;
    if (transport != "pcie") return {.kind = DiskBacking::shared, .drbd = {}};
    backing.kind = DiskBacking::local;
  }
  return backing;
}

std::string option_of(const std::string& options, std::string_view name) {
  const auto at = options.find(std::string(name) + "=");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 1;
  return options.substr(begin, options.find(',', begin) - begin);
}

}  // namespace

std::expected<FileStatus, int> status_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return std::unexpected(errno);
  const bool is_block = S_ISBLK(found.st_mode);
  const dev_t device = is_block ? found.st_rdev : found.st_dev;
  FileStatus status{
      .kind = FileStatus::Kind::other, .major = major(device), .minor = minor(device)};
  if (is_block) status.kind = FileStatus::Kind::block_device;
  if (S_ISREG(found.st_mode)) status.kind = FileStatus::Kind::file;
  if (S_ISDIR(found.st_mode)) status.kind = FileStatus::Kind::directory;
  return status;
}

BackingFinder::BackingFinder(fs::path root, StatusOf status)
    : root_(std::move(root)), status_(std::move(status)) {}

Backing BackingFinder::backing_of(const std::string& path) const { return of_path(path, 0); }

Backing BackingFinder::of_path(const std::string& path, int depth) const {
  if (depth > kMaxDepth || !path.starts_with('/')) return {};
  const std::vector<Mount> mounts = read_mounts(root_);
  const Mount* by_name = mount_of_path(mounts, path);
  if (by_name != nullptr && is_shared_file_system(by_name->type)) {
    return {.kind = DiskBacking::shared, .drbd = {}};
  }
  const auto status = status_(path);
  if (!status) {
    const bool gone = status.error() == ENOENT || status.error() == ENOTDIR;
    return {.kind = gone ? DiskBacking::missing : DiskBacking::unknown, .drbd = {}};
  }
  switch (status->kind) {
    case FileStatus::Kind::block_device: return of_device(status->major, status->minor, depth);
    case FileStatus::Kind::file:
    case FileStatus::Kind::directory: return of_file(path, *status, depth);
    case FileStatus::Kind::other: return {};
  }
  return {};
}

Backing BackingFinder::of_file(const std::string& path, const FileStatus& status, int depth) const {
  const std::vector<Mount> mounts = read_mounts(root_);
  const Mount* mount = mount_of_device(mounts, status.major, status.minor);
  if (mount == nullptr) mount = mount_of_path(mounts, path);  // btrfs subvolumes
  if (mount == nullptr) return {};
  if (is_shared_file_system(mount->type)) return {.kind = DiskBacking::shared, .drbd = {}};
  if (mount->type == "tmpfs" || mount->type == "ramfs") {
    return {.kind = DiskBacking::local, .drbd = {}};
  }
  if (mount->type == "overlay") {
    // The upper layer, when it can be seen from here; the kernel takes no network file system for
    // one, so an invisible one is still this node's.
    const Backing upper = of_path(option_of(mount->options, "upperdir"), depth + 1);
    const bool seen = upper.kind == DiskBacking::drbd || upper.kind == DiskBacking::shared;
    return seen ? upper : Backing{.kind = DiskBacking::local, .drbd = {}};
  }
  if (mount->type == "btrfs") return of_btrfs(mount->source, depth + 1);
  if (status.major == 0) return {};  // ZFS and others that hide their devices.
  return of_device(status.major, status.minor, depth + 1);
}

Backing BackingFinder::of_btrfs(const std::string& source, int depth) const {
  const auto device = status_(source);
  if (!device || device->kind != FileStatus::Kind::block_device) return {};
  // One file system may span several devices, of which mountinfo names one.
  const std::string wanted = std::to_string(device->major) + ":" + std::to_string(device->minor);
  for (const fs::path& file_system : entries_of(root_ / "sys/fs/btrfs")) {
    std::vector<DeviceNumber> members;
    bool ours = false;
    for (const fs::path& member : entries_of(file_system / "devices")) {
      ours = ours || first_line(member / "dev") == wanted;
      if (const auto number = read_device_number(member / "dev")) members.push_back(*number);
    }
    if (!ours) continue;
    Backing all{.kind = DiskBacking::local, .drbd = {}};
    for (const auto& [major, minor] : members) all = combined(all, of_device(major, minor, depth));
    return all;
  }
  return of_device(device->major, device->minor, depth);
}

Backing BackingFinder::of_device(std::uint32_t major, std::uint32_t minor, int depth) const {
  if (depth > kMaxDepth) return {};
  if (major == kDrbdMajor) return {.kind = DiskBacking::drbd, .drbd = {DeviceMinor{minor}}};
  if (major == kNbdMajor || major == kAtaOverEthernetMajor)
    return {.kind = DiskBacking::shared, .drbd = {}};
  if (major == kZvolMajor) return {};
  std::error_code error;
  const fs::path link =
      root_ / "sys/dev/block" / (std::to_string(major) + ":" + std::to_string(minor));
  const fs::path device = fs::canonical(link, error);
  if (error) return {};
  return of_sysfs(device, depth);
}

Backing BackingFinder::of_sysfs(const fs::path& device, int depth) const {
  std::error_code error;
  const std::string place = device.lexically_relative(fs::canonical(root_, error)).string();
  if (is_shared_device("/" + place, device.filename().string())) {
    return {.kind = DiskBacking::shared, .drbd = {}};
  }
  if (fs::exists(device / "partition", error)) {
    const auto whole = read_device_number(device.parent_path() / "dev");
    return whole ? of_device(whole->major, whole->minor, depth + 1) : Backing{};
  }
  if (const std::string file = first_line(device / "loop/backing_file"); !file.empty()) {
    return of_path(file, depth + 1);
  }
  Backing below{.kind = DiskBacking::local, .drbd = {}};
  for (const fs::path& slave : entries_of(device / "slaves")) {
    const auto number = read_device_number(slave / "dev");
    below =
        combined(below, number ? of_device(number->major, number->minor, depth + 1) : Backing{});
  }
  if (device.parent_path().filename().string().starts_with("nvme-subsys")) {
    return of_nvme_subsystem(device.parent_path());
  }
  return below;
}

}  // namespace upkeep
