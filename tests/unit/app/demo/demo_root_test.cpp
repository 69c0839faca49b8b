#include "app/demo/demo_root.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "exporter/sources/node/node_facts.h"
#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;

const WallTime kMonday{1'772'334'764s};

TEST(DemoRoot, IsReadAsANodeOfItsOwn) {
  const test::TempDir dir;
  const auto root = DemoRoot::create(dir.path(), kMonday);
  ASSERT_TRUE(root) << root.error().message;
  const auto node = read_node(root->path());
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(node->boot_id, root->boot_id());
  EXPECT_EQ(node->boot_time, kMonday);
  EXPECT_TRUE(node->load1.has_value()) << "the machine's own load";
  EXPECT_EQ(read_previous_shutdown(root->path(), kMonday), PreviousShutdown::unknown);
}

TEST(DemoRoot, BootsAnewAfterAPowerCut) {
  const test::TempDir dir;
  auto root = DemoRoot::create(dir.path(), kMonday);
  ASSERT_TRUE(root);
  const BootId before = root->boot_id();
  ASSERT_TRUE(root->boot(kMonday + 1h));
  const auto node = read_node(root->path());
  ASSERT_TRUE(node);
  EXPECT_NE(node->boot_id, before);
  EXPECT_EQ(node->boot_time, kMonday + 1h);
  EXPECT_EQ(read_previous_shutdown(root->path(), kMonday + 1h), PreviousShutdown::unclean);
}

TEST(DemoRoot, FindsTheDisksThatAreNotThere) {
  const test::TempDir dir;
  const auto root = DemoRoot::create(dir.path(), kMonday);
  ASSERT_TRUE(root);
  const BackingFinder finder(root->path(), demo_status_of);
  EXPECT_EQ(finder.backing_of("/dev/drbd3"),
            (Backing{.kind = DiskBacking::drbd, .drbd = {DeviceMinor{3}}}));
  EXPECT_EQ(finder.backing_of("/var/lib/libvirt/images/web1.qcow2").kind, DiskBacking::local);
  EXPECT_EQ(finder.backing_of("/dev/drbd3x").kind, DiskBacking::missing);
}

TEST(DemoRoot, NamesTheDirectoryItCanNotFill) {
  const auto root = DemoRoot::create("/proc/no-such-place", kMonday);
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().message.find("/proc/no-such-place"), std::string::npos);
}

}  // namespace
}  // namespace upkeep
