#include "remediation/effects/on_reboot.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

TEST(OnReboot, IsTheDomainsWordOrLibvirtsDefault) {
  EXPECT_EQ(on_reboot("<domain type='kvm'><on_reboot>destroy</on_reboot></domain>"), "destroy");
  EXPECT_EQ(on_reboot("<domain type='kvm'><on_crash>destroy</on_crash></domain>"), "restart");
}

TEST(OnReboot, IsNothingWhereItCannotBeRead) {
  EXPECT_EQ(on_reboot("<domain"), "");
  EXPECT_EQ(on_reboot("<network/>"), "");
}

}  // namespace
}  // namespace upkeep
