#include "exporter/sources/hypervisor/mounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

namespace upkeep {
namespace {

// Network file systems, and cluster file systems on shared block devices.
constexpr std::array<std::string_view, 19> kShared{
    "nfs",      "nfs4",      "cifs",   "smb3",   "smbfs", "ceph", "ocfs2",
    "gfs2",     "glusterfs", "lustre", "gpfs",   "afs",   "9p",   "virtiofs",
    "orangefs", "beegfs",    "vmhgfs", "vboxsf", "coda"};

/// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const std::string_view octal = text.substr(i + 1, 3);
    if (text[i] == '\\' && octal.size() == 3 &&
        std::from_chars(octal.data(), octal.data() + 3, code, 8).ec == std::errc{}) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// 36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue
bool parse_mount(const std::string& line, Mount& mount) {
  std::istringstream words(line);
  std::string id;
  std::string parent;
  std::string device;
  std::string subtree;
  std::string word;
  if (!(words >> id >> parent >> device >> subtree >> mount.point)) return false;
  const auto colon = device.find(':');
  if (colon == std::string::npos) return false;
  const char* end = device.data() + device.size();
  std::from_chars(device.data(), device.data() + colon, mount.major);
  std::from_chars(device.data() + colon + 1, end, mount.minor);
  while (words >> word && word != "-") {
  }
  if (!(words >> mount.type >> mount.source)) return false;
  words >> mount.options;
  mount.point = unescaped(mount.point);
  mount.source = unescaped(mount.source);
  return true;
}

bool holds(std::string_view point, std::string_view path) {
  if (point == "/") return true;
  return path.starts_with(point) && (path.size() == point.size() || path[point.size()] == '/');
}

}  // namespace

std::vector<Mount> read_mounts(const std::filesystem::path& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root / "proc/self/mountinfo");
  std::string line;
  while (std::getline(file, line)) {
    Mount mount;
    if (parse_mount(line, mount)) mounts.push_back(std::move(mount));
  }
  return mounts;
}

const Mount* mount_of_path(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* found = nullptr;
  for (const Mount& mount : mounts) {
    // Of equal points the last one mounted is the one on top.
    const bool nearer = found == nullptr || mount.point.size() >= found->point.size();
    if (nearer && holds(mount.point, path)) found = &mount;
  }
  return found;
}

const Mount* mount_of_device(const std::vector<Mount>& mounts, std::uint32_t major,
                             std::uint32_t minor) {
  const auto found = std::ranges::find_if(
      mounts, [&](const Mount& mount) { return mount.major == major && mount.minor == minor; });
  return found == mounts.end() ? nullptr : &*found;
}

bool is_shared_file_system(std::string_view type) {
  // "fuse.glusterfs", "fuse.sshfs", …; fuseblk is on a block device, which decides by itself.
  if (type == "fuse" || type.starts_with("fuse.")) return true;
  return std::ranges::find(kShared, type) != kShared.end();
}

}  // namespace upkeep
