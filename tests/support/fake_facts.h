#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "remediation/effects.h"

namespace upkeep::test {

/// Answers each reread with the snapshot of the moment. Thread-safe.
class FakeFacts final : public FactReader {
 public:
  void set(const Snapshot& snapshot) {
    const std::scoped_lock lock(mutex_);
    snapshot_ = std::make_shared<const Snapshot>(snapshot);
  }
  void fail(Error error) {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
  }
  /// Called before each answer with its number, from 1 on: the world may change in between.
  void before_answer(std::function<void(int)> change) {
    const std::scoped_lock lock(mutex_);
    change_ = std::move(change);
  }

  [[nodiscard]] Result<std::shared_ptr<const Snapshot>> reread(const Target& /*target*/,
                                                               Duration /*deadline*/) override {
    std::function<void(int)> change;
    int number = 0;
    {
      const std::scoped_lock lock(mutex_);
      number = ++answers_;
      change = change_;
    }
    if (change) change(number);
    const std::scoped_lock lock(mutex_);
    if (error_) return std::unexpected(*error_);
    return snapshot_;
  }
  [[nodiscard]] std::function<void()> split_brain_settler(const ResourceName& resource) override {
    return [this, resource] {
      const std::scoped_lock lock(mutex_);
      settled_.push_back(resource.value);
    };
  }
  /// Resources whose split brain was told to count no more.
  [[nodiscard]] std::vector<std::string> settled() const {
    const std::scoped_lock lock(mutex_);
    return settled_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::optional<Error> error_;
  std::function<void(int)> change_;
  int answers_ = 0;
  std::vector<std::string> settled_;
};

}  // namespace upkeep::test
