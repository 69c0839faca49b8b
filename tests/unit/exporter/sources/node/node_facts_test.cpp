#include "exporter/sources/node/node_facts.h"

#include <gtest/gtest.h>

#include "tests/unit/exporter/sources/node/fake_node.h"

namespace upkeep {
namespace {

using test::FakeNode;
using test::Wtmp;

const WallTime kThisBoot{std::chrono::seconds(test::kBooted)};

TEST(NodeFacts, SayWhichBootThisIs) {
  const FakeNode fake;
  const auto node = read_node(fake.root());
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(node->boot_id.value, "6f1b0b0e-0000-4000-8000-000000000001");
  EXPECT_EQ(node->boot_time, kThisBoot);
  EXPECT_EQ(node->cores, 2U);
}

TEST(NodeFacts, SayLoadAndPressure) {
  const FakeNode fake;
  fake.file("proc/loadavg", "0.42 0.50 0.60 1/234 5678\n");
  fake.file("proc/pressure/cpu",
            "some avg10=12.50 avg60=1.00 avg300=0.10 total=123\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
  fake.file("proc/pressure/io",
            "some avg10=75.00 avg60=0 avg300=0 total=9\n"
            "full avg10=50.25 avg60=0 avg300=0 total=9\n");
  const auto node = read_node(fake.root());
  ASSERT_TRUE(node);
  EXPECT_EQ(node->load1, 0.42);
  EXPECT_EQ(node->pressure.cpu_some, 0.125);
  EXPECT_EQ(node->pressure.io_some, 0.75);
  EXPECT_EQ(node->pressure.io_full, 0.5025);
  EXPECT_EQ(node->pressure.memory_some, std::nullopt) << "this kernel doesn't say";
}

TEST(NodeFacts, LeaveOutWhatTheKernelDoesNotOffer) {
  const FakeNode fake;
  const auto node = read_node(fake.root());
  ASSERT_TRUE(node);
  EXPECT_EQ(node->load1, std::nullopt);
  EXPECT_EQ(node->pressure.cpu_some, std::nullopt);
}

TEST(NodeFacts, AreAnErrorWithoutTheBoot) {
  const FakeNode fake;
  fake.file("proc/sys/kernel/random/boot_id", "\n");
  ASSERT_FALSE(read_node(fake.root()));
  EXPECT_NE(read_node(fake.root()).error().message.find("boot_id"), std::string::npos);
  fake.file("proc/sys/kernel/random/boot_id", "abc\n");
  fake.file("proc/stat", "cpu0 1 2 3\n");
  ASSERT_FALSE(read_node(fake.root()));
  EXPECT_NE(read_node(fake.root()).error().message.find("btime"), std::string::npos);
  fake.remove("proc");
  EXPECT_FALSE(read_node(fake.root()));
}

TEST(NodeFacts, ReadThisMachine) {
  const auto node = read_node("/");
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_GT(node->boot_id.value.size(), 30U);
  EXPECT_GT(node->boot_time, WallTime(std::chrono::seconds(1'000'000'000)));
  EXPECT_GE(node->cores, 1U);
  EXPECT_TRUE(node->load1.has_value());
}

TEST(PressureRatio, IsReadFromTheRightLine) {
  const std::string_view file = "some avg10=1.00 total=1\nfull avg10=2.00 total=1\n";
  EXPECT_EQ(pressure_ratio(file, "some"), 0.01);
  EXPECT_EQ(pressure_ratio(file, "full"), 0.02);
  EXPECT_EQ(pressure_ratio("", "some"), std::nullopt);
  EXPECT_EQ(pressure_ratio("some avg60=1.00\n", "some"), std::nullopt);
  EXPECT_EQ(pressure_ratio("some avg10=x\n", "some"), std::nullopt);
}

TEST(PreviousShutdownFile, IsRead) {
  const FakeNode fake;
  EXPECT_EQ(read_previous_shutdown(fake.root(), kThisBoot), PreviousShutdown::unknown);
  fake.file("var/log/wtmp", Wtmp().boot(-9000).shutdown(-60).boot(0).bytes());
  EXPECT_EQ(read_previous_shutdown(fake.root(), kThisBoot), PreviousShutdown::clean);
  fake.file("var/log/wtmp", Wtmp().boot(-9000).boot(0).bytes());
  EXPECT_EQ(read_previous_shutdown(fake.root(), kThisBoot), PreviousShutdown::unclean);
}

TEST(PreviousShutdownFile, IsFollowedIntoTheRotatedOne) {
  const FakeNode fake;
  fake.file("var/log/wtmp.1", Wtmp().boot(-9000).login(-8000).bytes());
  fake.file("var/log/wtmp", Wtmp().boot(0).bytes());
  EXPECT_EQ(read_previous_shutdown(fake.root(), kThisBoot), PreviousShutdown::unclean);
  fake.file("var/log/wtmp.1", Wtmp().boot(-9000).shutdown(-60).boot(0).bytes());
  fake.file("var/log/wtmp", "");
  EXPECT_EQ(read_previous_shutdown(fake.root(), kThisBoot), PreviousShutdown::clean);
}

TEST(PreviousShutdownFile, MayBeLargerThanOneRead) {
  const FakeNode fake;
  Wtmp wtmp;
  wtmp.boot(-9000).shutdown(-60).boot(0);
  for (int i = 0; i < 2000; ++i) wtmp.login(i);
  ASSERT_GT(wtmp.bytes().size(), 700'000U);
  fake.file("var/log/wtmp", wtmp.bytes());
  EXPECT_EQ(read_previous_shutdown(fake.root(), kThisBoot), PreviousShutdown::clean);
}

}  // namespace
}  // namespace upkeep
