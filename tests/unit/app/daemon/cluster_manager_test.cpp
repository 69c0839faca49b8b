#include "app/daemon/cluster_manager.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace upkeep {
namespace {

namespace fs = std::filesystem;

class ClusterManagerTest : public testing::Test {
 protected:
  ClusterManagerTest() { fs::create_directories(root_); }
  ~ClusterManagerTest() override { fs::remove_all(root_); }

  fs::path root_ = fs::path(testing::TempDir()) / ("cluster-manager-" + std::to_string(getpid()));
};

TEST_F(ClusterManagerTest, SeesNoneOnAPlainNode) {
  EXPECT_EQ(find_cluster_manager(root_), std::nullopt);
}

TEST_F(ClusterManagerTest, SeesCorosyncByItsConfiguration) {
  fs::create_directories(root_ / "etc/corosync");
  std::ofstream(root_ / "etc/corosync/corosync.conf") << "totem {}\n";
  EXPECT_EQ(find_cluster_manager(root_), (root_ / "etc/corosync/corosync.conf").string());
}

TEST_F(ClusterManagerTest, SeesAnEnabledPacemakerEvenByADanglingLink) {
  const fs::path wants = root_ / "etc/systemd/system/multi-user.target.wants";
  fs::create_directories(wants);
  fs::create_symlink("/nowhere/pacemaker.service", wants / "pacemaker.service");
  EXPECT_NE(find_cluster_manager(root_), std::nullopt);
}

}  // namespace
}  // namespace upkeep
