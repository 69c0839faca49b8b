#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/sources/replication/drbd_source.h"

namespace upkeep {

/// A node's root with /proc/drbd, and a drbdsetup and a drbdadm that do as the test says.
class FakeDrbd {
 public:
  FakeDrbd() {
    std::string name = (std::filesystem::temp_directory_path() / "upkeep-drbd-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(folder_ / "proc");
  }
  FakeDrbd(const FakeDrbd&) = delete;
  FakeDrbd& operator=(const FakeDrbd&) = delete;
  ~FakeDrbd() { std::filesystem::remove_all(folder_); }

  /// `drbdsetup` becomes this shell script; $D is the folder, $N the number of the call.
  /// `get-gi` answers with the file "gi" and is counted apart: it comes when it likes.
  void drbdsetup(const std::string& body) const { program("drbdsetup", body); }
  void drbdadm(const std::string& body) const { program("drbdadm", body); }
  void journalctl(const std::string& body) const { program("journalctl", body); }

  /// Replaces a file at once, so that no reader sees half of it.
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / (path + ".new")) << text;
    std::filesystem::rename(folder_ / (path + ".new"), folder_ / path);
  }
  /// More text for what the script follows with `tail -f`.
  void append(const std::string& path, const std::string& text) const {
    std::ofstream(folder_ / path, std::ios::app) << text;
  }
  void unload() const { std::filesystem::remove(folder_ / "proc/drbd"); }

  [[nodiscard]] std::vector<std::string> calls(const std::string& program) const {
    std::vector<std::string> lines;
    std::ifstream file(folder_ / (program + ".calls"));
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  [[nodiscard]] DrbdSourceOptions options() const {
    using namespace std::chrono_literals;
    DrbdSourceOptions options;
    options.root = folder_;
    options.drbdsetup = folder_ / "drbdsetup";
    options.drbdadm = folder_ / "drbdadm";
    options.journalctl = folder_ / "journalctl";
    options.reread_84 = 20ms;
    options.reread_9 = 30ms;
    options.command_deadline = 2s;
    options.first_respawn = 20ms;
    options.last_respawn = 100ms;
    options.give_up_after = 60s;
    return options;
  }

 private:
  void program(const std::string& name, const std::string& body) const {
    const std::string calls = (folder_ / (name + ".calls")).string();
    const std::string gi =
        "[ \"$1\" = get-gi ] && { echo \"$*\" >> $D/get-gi.calls; cat $D/gi; exit; }\n";
    write(name, "#!/bin/sh\nD=" + folder_.string() + "\n\n" + gi + "echo \"$*\" >> " + calls +
                    "\nN=$(wc -l < " + calls + ")\n" + body + "\n");
    ::chmod((folder_ / name).c_str(), 0755);
  }

  std::filesystem::path folder_;
};

/// Remembers what a source told, and waits for what a test expects.
class ListenerLog final : public SourceListener {
 public:
  void published(SourceKind) override {
    note([this] { ++publications; });
  }
  void vm_event(const VmEvent&) override {}
  void drbd_event(const DrbdEvent& event) override {
    note([&] { events.push_back(event); });
  }
  void read_finished(SourceKind, Duration, bool succeeded) override {
    note([&] { ++(succeeded ? reads : failures); });
  }
  void unparsed(SourceKind, std::string_view what) override {
    note([&] { unknown.emplace_back(what); });
  }

  /// Looks after each news; false after 20 s.
  bool wait(const std::function<bool()>& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), holds);
  }

  // Under the mutex: read only inside `wait`, or when the source is gone.
  int publications = 0, reads = 0, failures = 0;
  std::vector<DrbdEvent> events;
  std::vector<std::string> unknown;

 private:
  void note(const std::function<void()>& change) {
    {
      const std::scoped_lock lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace upkeep
