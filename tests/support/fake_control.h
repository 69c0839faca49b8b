#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "remediation/effects.h"

namespace upkeep::test {

/// What was called, in order, and what each call shall answer: "start uuid-web1", "promote r0". A
/// call without an answer of its own succeeds. Thread-safe.
class CallScript {
 public:
  using Answer = std::function<Result<void>()>;

  void on(const std::string& call, Answer answer) {
    const std::scoped_lock lock(mutex_);
    answers_[call] = std::move(answer);
  }
  void fail(const std::string& call, Errc code, const std::string& message) {
    on(call, [=] { return upkeep::fail(code, message); });
  }
  /// The call hangs until `release`.
  void hang(const std::string& call) {
    on(call, [this]() -> Result<void> {
      std::unique_lock lock(mutex_);
      ++hanging_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return released_; });
      --hanging_;
      return {};
    });
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  /// Waits until `count` calls hang.
  void wait_until_hanging(int count = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return hanging_ >= count; });
  }

  [[nodiscard]] std::vector<std::string> calls() const {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }

  [[nodiscard]] Result<void> call(const std::string& name) {
    Answer answer;
    {
      const std::scoped_lock lock(mutex_);
      calls_.push_back(name);
      const auto found = answers_.find(name);
      if (found != answers_.end()) answer = found->second;
    }
    return answer ? answer() : Result<void>{};
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Answer> answers_;
  std::vector<std::string> calls_;
  int hanging_ = 0;
  bool released_ = false;
};

class FakeHypervisorSession final : public HypervisorSession {
 public:
  FakeHypervisorSession(std::shared_ptr<CallScript> script, std::function<void()> before_call,
                        Terms terms)
      : script_(std::move(script)),
        before_call_(std::move(before_call)),
        terms_(std::move(terms)) {}

  [[nodiscard]] Result<void> start(const VmUuid& uuid) override {
    return call("start " + uuid.value);
  }
  [[nodiscard]] Result<void> destroy_crashed(const VmUuid& uuid) override {
    return call("destroy_crashed " + uuid.value);
  }
  [[nodiscard]] Result<void> resume(const VmUuid& uuid) override {
    return call("resume " + uuid.value);
  }
  [[nodiscard]] Result<void> reset(const VmUuid& uuid) override {
    return call("reset " + uuid.value);
  }
  [[nodiscard]] Result<void> attach_disk(const VmUuid& uuid, const DiskTarget& disk) override {
    return call("attach_disk " + uuid.value + " " + disk.value);
  }

 private:
  [[nodiscard]] Result<void> call(const std::string& name) {
    if (before_call_) before_call_();
    if (auto word = terms_.ask(); !word) return word;
    return script_->call(name);
  }

  std::shared_ptr<CallScript> script_;
  std::function<void()> before_call_;
  Terms terms_;
};

/// There is always a place, unless `before_session` says otherwise.
class FakeHypervisorControl final : public HypervisorControl {
 public:
  explicit FakeHypervisorControl(std::shared_ptr<CallScript> script) : script_(std::move(script)) {}

  /// Called with the deadline of each wait for a place. Set before the threads start.
  std::function<Result<void>(Duration)> before_session;
  /// Called while a session looks its VM up. Set before the threads start.
  std::function<void()> before_call;

  [[nodiscard]] Result<std::unique_ptr<HypervisorSession>> session(const Terms& terms) override {
    if (before_session) {
      if (auto waited = before_session(terms.deadline); !waited)
        return std::unexpected(waited.error());
    }
    return std::make_unique<FakeHypervisorSession>(script_, before_call, terms);
  }

 private:
  std::shared_ptr<CallScript> script_;
};

class FakeReplicationControl final : public ReplicationControl {
 public:
  explicit FakeReplicationControl(std::shared_ptr<CallScript> script)
      : script_(std::move(script)) {}

  /// What the dry run prints. Set before the threads start.
  std::vector<std::string> dry_run;
  /// Called while a command waits for its turn. Set before the threads start.
  std::function<void(const std::string& call)> before_turn;
  /// Commands that never get one, and what they end with instead. Set before the threads start.
  std::map<std::string, Error> no_turn;
  /// The time that each command was given. Not while another runs.
  std::map<std::string, Duration> given;

  [[nodiscard]] Result<std::vector<std::string>> dry_run_adjust(const ResourceName& resource,
                                                                AdjustScope scope,
                                                                const Terms& terms) override {
    if (auto called = call("dry_run " + resource.value + part(scope), terms); !called) {
      return std::unexpected(called.error());
    }
    return dry_run;
  }
  [[nodiscard]] Result<void> adjust(const ResourceName& resource, AdjustScope scope,
                                    const Terms& terms) override {
    return call("adjust " + resource.value + part(scope), terms);
  }
  [[nodiscard]] Result<void> connect(const ResourceName& resource, const Terms& terms) override {
    return call("connect " + resource.value, terms);
  }
  [[nodiscard]] Result<void> connect_link(const DrbdLink& link, const Terms& terms) override {
    return call("connect " + link.resource.value + ":" + link.peer.value, terms);
  }
  [[nodiscard]] Result<void> disconnect(const ResourceName& resource, const Terms& terms) override {
    return call("disconnect " + resource.value, terms);
  }
  [[nodiscard]] Result<void> connect_discarding_local(const ResourceName& resource,
                                                      const Terms& terms) override {
    return call("connect --discard-my-data " + resource.value, terms);
  }
  [[nodiscard]] Result<void> probe_backing(const DrbdVolume& volume, const Terms& terms) override {
    return call("probe " + name_of(volume), terms);
  }
  [[nodiscard]] Result<void> attach(const DrbdVolume& volume, const Terms& terms) override {
    return call("attach " + name_of(volume), terms);
  }
  [[nodiscard]] Result<void> promote(const ResourceName& resource, const Terms& terms) override {
    return call("promote " + resource.value, terms);
  }
  [[nodiscard]] Result<void> demote(const ResourceName& resource, const Terms& terms) override {
    return call("demote " + resource.value, terms);
  }

 private:
  [[nodiscard]] Result<void> call(const std::string& name, const Terms& terms) {
    {
      const std::scoped_lock lock(mutex_);
      given[name] = terms.deadline;
    }
    if (before_turn) before_turn(name);
    if (const auto never = no_turn.find(name); never != no_turn.end()) {
      return std::unexpected(never->second);
    }
    if (auto word = terms.ask(); !word) return word;
    return script_->call(name);
  }
  static std::string part(AdjustScope scope) {
    return scope == AdjustScope::all_but_disk ? " --skip-disk" : "";
  }
  static std::string name_of(const DrbdVolume& volume) {
    return volume.resource.value + "/" + std::to_string(volume.volume.value);
  }

  std::shared_ptr<CallScript> script_;
  std::mutex mutex_;
};

}  // namespace upkeep::test
