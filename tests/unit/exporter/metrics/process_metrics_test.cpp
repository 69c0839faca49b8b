#include "exporter/metrics/process_metrics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace upkeep {
namespace {

namespace fs = std::filesystem;

class ProcessMetrics : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root / "proc/self/fd");
    for (const char* fd : {"0", "1", "2", "7"}) std::ofstream(root / "proc/self/fd" / fd);
  }
  void TearDown() override { fs::remove_all(root); }

  void file(const fs::path& path, std::string_view text) const {
    std::ofstream(root / path) << text;
  }
  [[nodiscard]] std::string written() const {
    Exposition out;
    write_process(out, root);
    return out.text();
  }

  fs::path root = fs::path(testing::TempDir()) / ("upkeep-process-" + std::to_string(::getpid()));
};

// Fields as proc(5) numbers them: 14 utime 250, 15 stime 50, 22 starttime 12345, 23 vsize 10485760,
// 24 rss 300; the program's name holds a blank and a parenthesis.
constexpr std::string_view kStat =
    "4711 (up) keep) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 10485760 300 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";

TEST_F(ProcessMetrics, AreComputedFromProc) {
  file("proc/self/stat", kStat);
  file("proc/stat", "cpu  1 2 3\nbtime 1772334590\nprocesses 3\n");
  file("proc/self/limits",
       "Limit                     Soft Limit           Hard Limit           Units     \n"
       "Max processes             100                  200                  processes \n"
       "Max open files            1024                 524288               files     \n");
  const std::string text = written();
  ASSERT_EQ(::sysconf(_SC_CLK_TCK), 100);
  ASSERT_EQ(::sysconf(_SC_PAGESIZE), 4096);
  // (250 + 50) ticks / 100 a second.
  EXPECT_NE(text.find("\nprocess_cpu_seconds_total 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# TYPE process_cpu_seconds_total counter\n"), std::string::npos);
  EXPECT_NE(text.find("\nprocess_virtual_memory_bytes 10485760\n"), std::string::npos);
  // 300 pages * 4096.
  EXPECT_NE(text.find("\nprocess_resident_memory_bytes 1228800\n"), std::string::npos);
  // 1772334590 + 12345 / 100.
  EXPECT_NE(text.find("\nprocess_start_time_seconds 1772334713.45\n"), std::string::npos);
  // Four entries, one of which would be the listing itself.
  EXPECT_NE(text.find("\nprocess_open_fds 3\n"), std::string::npos);
  EXPECT_NE(text.find("\nprocess_max_fds 1024\n"), std::string::npos);
}

TEST_F(ProcessMetrics, LeaveOutWhatCannotBeRead) {
  file("proc/self/limits", "Max open files            unlimited            unlimited    files\n");
  const std::string text = written();
  EXPECT_EQ(text.find("process_cpu"), std::string::npos) << text;
  EXPECT_EQ(text.find("process_start_time"), std::string::npos);
  EXPECT_EQ(text.find("process_max_fds"), std::string::npos) << "unlimited is no number";
  EXPECT_NE(text.find("process_open_fds"), std::string::npos);
}

TEST_F(ProcessMetrics, KnowThisProcess) {
  Exposition out;
  write_process(out);
  for (const char* name :
       {"process_cpu_seconds_total", "process_virtual_memory_bytes",
        "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"}) {
    EXPECT_NE(out.text().find("\n" + std::string(name) + " "), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace upkeep
