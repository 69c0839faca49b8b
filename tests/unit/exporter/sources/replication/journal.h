#pragma once

#include <fmt/core.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "exporter/sources/replication/kernel_journal.h"
#include "tests/support/temp_dir.h"

namespace upkeep {

/// What a journald keeps of a boot: the fields of each entry, in order.
class FakeJournal {
 public:
  using Entry = std::vector<std::pair<std::string, std::string>>;

  /// Lines as dmesg prints them: "[  274.363695] drbd r0: …".
  void kernel(const std::vector<std::string>& lines) {
    static const std::regex dmesg(R"(^\[ *(\d+)\.(\d{6})\] (.*)$)");
    for (const std::string& line : lines) {
      std::smatch match;
      const bool timed = std::regex_match(line, match, dmesg);
      kernel_record(timed ? std::stoll(match[1].str() + match[2].str()) : 0,
                    timed ? match[3].str() : line);
    }
  }
  void boot() { kernel_record(0, "Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org)"); }
  /// As journald says it when the ring buffer went on faster.
  void missed() {
    entries_.push_back({{"_TRANSPORT", "driver"},
                        {"SYSLOG_FACILITY", "3"},
                        {"MESSAGE_ID", "e9bf28e6e834481bb6f48f548ad13606"},
                        {"MESSAGE", "Missed 12 kernel messages"}});
  }
  void kernel_record(long long microseconds, const std::string& message,
                     const std::string& facility = "0") {
    entries_.push_back({{"_TRANSPORT", "kernel"},
                        {"SYSLOG_FACILITY", facility},
                        {"_SOURCE_MONOTONIC_TIMESTAMP", std::to_string(microseconds)},
                        {"MESSAGE", message}});
  }
  void syslog(long long microseconds, const std::string& message) {
    entries_.push_back({{"_TRANSPORT", "syslog"},
                        {"SYSLOG_FACILITY", "0"},
                        {"_SOURCE_REALTIME_TIMESTAMP", std::to_string(microseconds)},
                        {"MESSAGE", message}});
  }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// What `journalctl -o json` prints of it.
  [[nodiscard]] std::string json() const {
    std::string text;
    for (const Entry& entry : entries_) {
      nlohmann::json record{{"__CURSOR", "s=1"}, {"__MONOTONIC_TIMESTAMP", "1"}};
      for (const auto& [key, value] : entry) record[key] = value;
      text += record.dump() + "\n";
    }
    return text;
  }

 private:
  std::vector<Entry> entries_;
};

/// A journalctl that does as the test says, and remembers what it was asked.
class FakeJournalctl {
 public:
  FakeJournalctl() {
    script("exec cat \"$D/journal\"");
    std::ofstream(dir_ / "journal");
  }

  void keeps(const FakeJournal& journal) const {
    std::ofstream(dir_ / "journal") << journal.json();
  }
  /// It becomes this shell script; $D is its folder.
  void script(const std::string& body) const {
    const std::filesystem::path program = dir_ / "journalctl";
    std::ofstream(program) << fmt::format(
        "#!/bin/sh\nD={}\nprintf '%s\\n' \"$@\" CALLED >> \"$D/calls\"\n{}\n", dir_.path().string(),
        body);
    ::chmod(program.c_str(), 0755);
  }
  [[nodiscard]] std::vector<std::string> asked() const {
    std::ifstream file(dir_ / "calls");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  [[nodiscard]] std::size_t calls() const {
    return static_cast<std::size_t>(std::ranges::count(asked(), "CALLED"));
  }

  [[nodiscard]] const std::filesystem::path& folder() const { return dir_.path(); }
  [[nodiscard]] KernelJournalRequest request() const {
    return {.journalctl = dir_ / "journalctl", .deadline = std::chrono::seconds(20), .stop = {}};
  }

 private:
  test::TempDir dir_;
};

}  // namespace upkeep
