#include "exporter/sources/hypervisor/vm_stats.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

namespace upkeep {
namespace {

/// libvirt's own parameter list.
class Params {
 public:
  Params() = default;
  Params(const Params&) = delete;
  Params& operator=(const Params&) = delete;
  ~Params() { virTypedParamsFree(params_, count_); }

  void number(const char* name, unsigned long long value) {
    virTypedParamsAddULLong(&params_, &count_, &capacity_, name, value);
  }
  void count(const char* name, unsigned value) {
    virTypedParamsAddUInt(&params_, &count_, &capacity_, name, value);
  }
  void text(const char* name, const char* value) {
    virTypedParamsAddString(&params_, &count_, &capacity_, name, value);
  }
  [[nodiscard]] VmStats stats() const { return to_vm_stats(params_, count_); }

 private:
  virTypedParameterPtr params_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

TEST(VmStats, FiguresComeInSecondsAndBytes) {
  Params params;
  params.number("cpu.time", 2'500'000'000ULL);
  params.number("balloon.current", 1024);
  params.number("balloon.maximum", 2048);
  params.number("balloon.rss", 512);
  params.count("vcpu.current", 4);
  const VmStats stats = params.stats();
  EXPECT_DOUBLE_EQ(stats.cpu_time.value().count(), 2.5);
  EXPECT_EQ(stats.memory_current, Bytes{1048576});
  EXPECT_EQ(stats.memory_maximum, Bytes{2097152});
  EXPECT_EQ(stats.memory_rss, Bytes{524288});
  EXPECT_EQ(stats.vcpus, 4U);
}

TEST(VmStats, DisksAndInterfacesAreNamed) {
  Params params;
  params.count("block.count", 2);
  params.text("block.0.name", "vda");
  params.number("block.0.rd.reqs", 1);
  params.number("block.0.rd.bytes", 2);
  params.number("block.0.wr.reqs", 3);
  params.number("block.0.wr.bytes", 4);
  params.number("block.0.capacity", 5);
  params.text("block.1.name", "vdb");
  params.count("net.count", 1);
  params.text("net.0.name", "vnet0");
  params.number("net.0.rx.bytes", 10);
  params.number("net.0.rx.pkts", 11);
  params.number("net.0.rx.errs", 12);
  params.number("net.0.rx.drop", 13);
  params.number("net.0.tx.bytes", 20);
  params.number("net.0.tx.pkts", 21);
  params.number("net.0.tx.errs", 22);
  params.number("net.0.tx.drop", 23);
  const VmStats stats = params.stats();
  const auto& vda = stats.blocks.at(DiskTarget{"vda"});
  EXPECT_EQ(vda.read_requests, 1U);
  EXPECT_EQ(vda.read, Bytes{2});
  EXPECT_EQ(vda.write_requests, 3U);
  EXPECT_EQ(vda.written, Bytes{4});
  EXPECT_EQ(vda.capacity, Bytes{5});
  EXPECT_FALSE(stats.blocks.at(DiskTarget{"vdb"}).read.has_value()) << "not told, so not zero";
  const auto& vnet0 = stats.interfaces.at("vnet0");
  EXPECT_EQ(vnet0.received, Bytes{10});
  EXPECT_EQ(vnet0.received_packets, 11U);
  EXPECT_EQ(vnet0.received_errors, 12U);
  EXPECT_EQ(vnet0.received_drops, 13U);
  EXPECT_EQ(vnet0.sent, Bytes{20});
  EXPECT_EQ(vnet0.sent_packets, 21U);
  EXPECT_EQ(vnet0.sent_errors, 22U);
  EXPECT_EQ(vnet0.sent_drops, 23U);
}

TEST(VmStats, WhatAStuckQemuDoesNotTellIsAbsent) {
  const VmStats stats = Params().stats();
  EXPECT_FALSE(stats.cpu_time.has_value());
  EXPECT_FALSE(stats.memory_current.has_value());
  EXPECT_FALSE(stats.vcpus.has_value());
  EXPECT_TRUE(stats.blocks.empty());
  EXPECT_TRUE(stats.interfaces.empty());
}

}  // namespace
}  // namespace upkeep
