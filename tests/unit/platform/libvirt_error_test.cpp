#include "platform/libvirt_error.h"

#include <gtest/gtest.h>
#include <libvirt/virterror.h>

#include "platform/libvirt_connection.h"

namespace upkeep {
namespace {

// Codes and words as libvirt 9.0.0 gave them, measured.
TEST(LibvirtError, FailuresAreKnownByWhatStandsBehindThem) {
  struct Case {
    LibvirtFailure failure;
    Errc expected;
  };
  const Case cases[] = {
      {{VIR_ERR_SYSTEM_ERROR, VIR_FROM_STORAGE,
        "Cannot access storage file '/dev/drbd99': No such file or directory"},
       Errc::storage},
      {{VIR_ERR_SYSTEM_ERROR, VIR_FROM_RPC,
        "Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory"},
       Errc::unavailable},
      {{VIR_ERR_SYSTEM_ERROR, VIR_FROM_QEMU, "unable to open: Permission denied"}, Errc::failed},
      {{VIR_ERR_OPERATION_INVALID, VIR_FROM_DOMAIN,
        "Requested operation is not valid: domain is already running"},
       Errc::conflict},
      {{VIR_ERR_INTERNAL_ERROR, VIR_FROM_TEST, "Domain 'p1' is already running"}, Errc::conflict},
      {{VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, "Domain not found"}, Errc::not_found},
      {{VIR_ERR_NO_NETWORK, VIR_FROM_NETWORK, "Network not found: no network with matching name"},
       Errc::not_found},
      {{VIR_ERR_OPERATION_DENIED, VIR_FROM_NONE, "read only access prevents virDomainCreate"},
       Errc::denied},
      {{VIR_ERR_AUTH_UNAVAILABLE, VIR_FROM_POLKIT, "no agent is available"}, Errc::denied},
      {{VIR_ERR_OPERATION_TIMEOUT, VIR_FROM_QEMU,
        "cannot acquire state change lock (held by monitor=remoteDispatchDomainBlockStats)"},
       Errc::timed_out},
      {{VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "client socket is closed"}, Errc::unavailable},
      {{VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "connection closed due to keepalive timeout"},
       Errc::unavailable},
      {{VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU,
        "process exited while connecting to monitor: Failed to get \"write\" lock"},
       Errc::storage},
      {{VIR_ERR_RESOURCE_BUSY, VIR_FROM_LOCKSPACE, "Lockspace resource is locked"}, Errc::storage},
      {{VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU,
        "qemu unexpectedly closed the monitor: cannot set up guest memory 'pc.ram': "
        "Cannot allocate memory"},
       Errc::exhausted},
      {{VIR_ERR_NO_MEMORY, VIR_FROM_NONE, "out of memory"}, Errc::exhausted},
      {{VIR_ERR_XML_ERROR, VIR_FROM_DOMAIN, "XML error: target 'vdb' duplicated"}, Errc::invalid},
      {{VIR_ERR_CONFIG_UNSUPPORTED, VIR_FROM_QEMU, "unsupported configuration"}, Errc::invalid},
      {{VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, "something new"}, Errc::failed},
      {{100000, 0, "a code of a newer libvirt"}, Errc::failed},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(to_errc(each.failure), each.expected) << each.failure.message;
  }
}

TEST(LibvirtError, AFailedCallIsReportedWithItsAttempt) {
  const auto connection = open_libvirt("test:///default", LibvirtAccess::read_only);
  ASSERT_TRUE(connection.has_value());
  ASSERT_EQ(virDomainLookupByName(connection->get(), "nobody"), nullptr);
  const Error error = last_libvirt_error("look up VM 'nobody'");
  EXPECT_EQ(error.code, Errc::not_found);
  EXPECT_TRUE(error.message.starts_with("look up VM 'nobody': ")) << error.message;
}

TEST(LibvirtConnection, AnUnknownPlaceIsUnavailable) {
  const auto connection =
      open_libvirt("qemu:///system?socket=/does/not/exist", LibvirtAccess::read_only);
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().code, Errc::unavailable);
  EXPECT_NE(connection.error().message.find("/does/not/exist"), std::string::npos);
}

TEST(LibvirtConnection, KnowsWhoseMachineAUriIsAbout) {
  for (const char* uri : {"qemu:///system", "qemu:///session", "test:///default",
                          "qemu+unix:///system?socket=/run/x", "qemu:///system?socket=/run/x"}) {
    EXPECT_TRUE(is_local(uri)) << uri;
  }
  for (const char* uri : {"qemu+ssh://node2/system", "qemu+tls://node2/system",
                          "qemu://node2/system", "qemu+tcp://127.0.0.1/system"}) {
    EXPECT_FALSE(is_local(uri)) << uri;
  }
  EXPECT_TRUE(is_test_driver("test:///default"));
  EXPECT_TRUE(is_test_driver("test+unix:///default?socket=/run/x"));
  EXPECT_FALSE(is_test_driver("qemu:///system"));
}

TEST(LibvirtLink, KeepsItsConnectionUntilItIsDropped) {
  LibvirtLink link("test:///default", LibvirtAccess::read_write);
  const auto first = link.connection();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(link.connection(), first);
  link.drop(*first);
  const auto second = link.connection();
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(*second, *first);
}

}  // namespace
}  // namespace upkeep
