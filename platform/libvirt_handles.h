#pragma once

#include <libvirt/libvirt.h>

#include <memory>

namespace upkeep {

/// Gives a libvirt object back. `Free` is one of libvirt's virXxxFree functions.
template <auto Free>
struct LibvirtRelease {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

/// Owned libvirt objects. They hold their connection open: declare the connection before them.
using DomainHandle = std::unique_ptr<virDomain, LibvirtRelease<virDomainFree>>;
using NetworkHandle = std::unique_ptr<virNetwork, LibvirtRelease<virNetworkFree>>;
using StoragePoolHandle = std::unique_ptr<virStoragePool, LibvirtRelease<virStoragePoolFree>>;
using StorageVolumeHandle = std::unique_ptr<virStorageVol, LibvirtRelease<virStorageVolFree>>;
using DomainStatsHandle =
    std::unique_ptr<virDomainStatsRecordPtr, LibvirtRelease<virDomainStatsRecordListFree>>;

/// A connection may be used by several threads at once; libvirt multiplexes them.
using ConnectionHandle = std::shared_ptr<virConnect>;

}  // namespace upkeep
