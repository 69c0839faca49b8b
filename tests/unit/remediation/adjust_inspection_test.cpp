#include "remediation/adjust_inspection.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace upkeep {
namespace {

// Every dry-run line of the recordings.
std::vector<std::string> recorded() {
  std::vector<std::string> lines;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(UPKEEP_FIXTURES) / "drbd")) {
    std::ifstream file(entry.path());
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
      if (line.find("# ") != std::string::npos)
        inside = line.find("drbdadm -d ") != std::string::npos;
      if (!inside) continue;
      if (line.starts_with("drbdsetup") || line.starts_with("drbdmeta")) lines.push_back(line);
    }
  }
  return lines;
}

TEST(AdjustInspection, PassesABringUpOf84AndOf9) {
  EXPECT_EQ(unsafe_line({"drbdsetup-84 new-resource r0", "drbdsetup-84 new-minor r0 10 0",
                         "drbdmeta 10 v08 /dev/mapper/d0 internal apply-al",
                         "drbdsetup-84 attach 10 /dev/mapper/d0 /dev/mapper/d0 internal "
                         "--on-io-error=detach",
                         "drbdsetup-84 connect r0 ipv4:10.0.0.1:7789 ipv4:10.0.0.2:7789 "
                         "--protocol=C --ping-timeout=5 --connect-int=3 --verify-alg=crc32c"}),
            std::nullopt);
  EXPECT_EQ(
      unsafe_line({"drbdsetup new-resource r0 0 --quorum=majority", "drbdsetup new-minor r0 10 0",
                   "drbdsetup new-peer r0 1 --_name=beta --after-sb-1pri=consensus "
                   "--protocol=C --after-sb-0pri=discard-zero-changes",
                   "drbdsetup new-path r0 1 ipv4:10.0.0.1:7789 ipv4:10.0.0.2:7789",
                   "drbdmeta 10 v09 /dev/null internal apply-al",
                   "drbdsetup attach 10 /dev/null /dev/null internal",
                   "drbdsetup peer-device-options r0 1 0 --set-defaults", "",
                   "drbdsetup connect r0 1"}),
      std::nullopt);
  EXPECT_EQ(unsafe_line({}), std::nullopt) << "nothing to do";
}

TEST(AdjustInspection, KnowsTheToolsByTheirPathsToo) {
  // Written by 9.22 that was called as /run/t/drbdadm.
  EXPECT_EQ(unsafe_line({"/usr/sbin/drbdsetup new-resource r0 1",
                         "/usr/sbin/drbdmeta 0 v09 /dev/mapper/b0 internal apply-al",
                         "/usr/sbin/drbdsetup connect r0 0"}),
            std::nullopt);
  for (const char* line : {"/usr/sbin/drbdsetup down r0", "/usr/sbin/drbdmeta 0 v09 b0 wipe-md",
                           "/usr/sbin/drbdsetup connect r0 0 --discard-my-data",
                           "/bin/sh drbdsetup connect r0", "drbdsetup/sh connect r0"}) {
    EXPECT_EQ(unsafe_line({line}), line);
  }
}

TEST(AdjustInspection, PassesEveryRecordedDryRun) {
  const auto lines = recorded();
  ASSERT_GE(lines.size(), 20U);
  for (const std::string& line : lines) EXPECT_EQ(unsafe_line({line}), std::nullopt) << line;
}

TEST(AdjustInspection, RefusesWhateverElseAdjustMayDo) {
  for (const char* line : {"drbdsetup detach 10",
                           "drbdsetup-84 detach 10 --force",
                           "drbdsetup del-minor 10",
                           "drbdsetup del-peer r0 1",
                           "drbdsetup del-path r0 1 a b",
                           "drbdsetup disconnect r0 1",
                           "drbdsetup resize 10",
                           "drbdsetup down r0",
                           "drbdsetup primary r0",
                           "drbdsetup secondary r0",
                           "drbdsetup invalidate 10",
                           "drbdsetup new-current-uuid 10",
                           "drbdsetup resume-io 10",
                           "drbdmeta 10 v09 /dev/x internal create-md",
                           "drbdmeta --force 10 v09 /dev/x internal apply-al",
                           "drbdsetup",
                           "drbdadm connect r0",
                           "rm -rf /",
                           "sh -c drbdsetup connect",
                           "/tmp/drbdsetup connect r0 1",
                           "something new"}) {
    EXPECT_EQ(unsafe_line({"drbdsetup new-resource r0 0", line}), line);
  }
}

TEST(AdjustInspection, RefusesHarmlessCommandsWithDangerousOptions) {
  for (const char* option : {"--discard-my-data", "--discard-my-data=yes", "--discard", "--force",
                             "--overwrite-data-of-peer", "--tentative", "--assume-clean", "-f"}) {
    const std::string line = std::string("drbdsetup connect r0 1 ") + option;
    EXPECT_EQ(unsafe_line({line}), line);
  }
}

}  // namespace
}  // namespace upkeep
