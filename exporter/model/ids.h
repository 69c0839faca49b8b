#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace upkeep {

/// A name that can't be mistaken for another kind of name.
template <class Tag>
struct Id {
  std::string value;

  friend auto operator<=>(const Id&, const Id&) = default;
  friend bool operator==(const Id&, const Id&) = default;
};

using VmName = Id<struct VmNameTag>;              ///< libvirt's domain name.
using VmUuid = Id<struct VmUuidTag>;              ///< Lower case, with dashes.
using ResourceName = Id<struct ResourceNameTag>;  ///< A DRBD resource.
using NodeName = Id<struct NodeNameTag>;          ///< A host, as DRBD or the config calls it.
using BootId = Id<struct BootIdTag>;              ///< /proc/sys/kernel/random/boot_id.
using DiskTarget = Id<struct DiskTargetTag>;      ///< The guest-side name, e.g. "vda".

/// N of /dev/drbdN (block major 147).
struct DeviceMinor {
  std::uint32_t value = 0;
  friend auto operator<=>(const DeviceMinor&, const DeviceMinor&) = default;
};

/// A volume's number inside its DRBD resource.
struct VolumeNumber {
  std::uint32_t value = 0;
  friend auto operator<=>(const VolumeNumber&, const VolumeNumber&) = default;
};

/// Bytes, whatever unit the source used.
struct Bytes {
  std::uint64_t count = 0;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

[[nodiscard]] constexpr Bytes kibibytes(std::uint64_t count) { return Bytes{count * 1024}; }

}  // namespace upkeep

// A specialisation for our own type is what std allows; the check overlooks that.
template <class Tag>
// NOLINTNEXTLINE(cert-dcl58-cpp)
struct std::hash<upkeep::Id<Tag>> {
  std::size_t operator()(const upkeep::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
