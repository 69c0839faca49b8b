#include "exporter/metrics/page.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <thread>
#include <vector>

namespace upkeep {
namespace {

class HandClock final : public Clock {
 public:
  [[nodiscard]] Tick now() const override { return tick; }
  [[nodiscard]] WallTime wall() const override { return {}; }
  Tick tick = Tick{} + std::chrono::hours(1);
};

std::string unpacked(const std::string& packed) {
  std::string text(1 << 20, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  std::string input = packed;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

class Page : public testing::Test {
 protected:
  HandClock clock;
  std::uint64_t generation = 1;
  int written = 0;
  MetricsPage page{
      clock,
      {.generation = [this] { return generation; },
       .write =
           [this](Exposition& out) {
             out.family({.name = "upkeep_written", .type = MetricType::gauge, .help = "Times."});
             out.sample({}, ++written);
           }}};
};

TEST_F(Page, IsRenderedOnceForAGeneration) {
  const auto first = page.text();
  clock.tick += std::chrono::milliseconds(999);
  EXPECT_EQ(page.text(), first) << "the very same bytes";
  EXPECT_EQ(written, 1);
  EXPECT_NE(first->find("upkeep_written 1\n"), std::string::npos);
}

TEST_F(Page, IsRenderedAnewForANewGeneration) {
  const auto first = page.text();
  ++generation;
  EXPECT_NE(page.text()->find("upkeep_written 2\n"), std::string::npos);
  EXPECT_NE(first->find("upkeep_written 1\n"), std::string::npos) << "the old one is untouched";
}

TEST_F(Page, IsRenderedAnewAfterASecondThoughNothingWasRead) {
  (void)page.text();
  clock.tick += std::chrono::seconds(1);
  EXPECT_NE(page.text()->find("upkeep_written 2\n"), std::string::npos);
}

TEST_F(Page, PacksTheSameBytesOnce) {
  const auto text = page.text();
  const auto packed = page.gzip();
  EXPECT_EQ(unpacked(*packed), *text);
  EXPECT_EQ(page.gzip(), packed);
  EXPECT_EQ(written, 1);
  ++generation;
  EXPECT_EQ(unpacked(*page.gzip()), *page.text());
  EXPECT_EQ(written, 2);
}

TEST_F(Page, ServesManyThreadsTheSameGeneration) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 50; ++j) EXPECT_FALSE((j % 2 == 0 ? page.text() : page.gzip())->empty());
    });
  }
  threads.clear();
  EXPECT_EQ(written, 1);
}

TEST(Gzip, PacksNothingAndALot) {
  EXPECT_EQ(unpacked(gzipped("")), "");
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "upkeep_vm_up{vm=\"web" + std::to_string(i) + "\"} 1\n";
  const std::string packed = gzipped(text);
  EXPECT_EQ(unpacked(packed), text);
  EXPECT_LT(packed.size(), text.size() / 5);
}

}  // namespace
}  // namespace upkeep
