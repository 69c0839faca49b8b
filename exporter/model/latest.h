#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace upkeep {

/// The newest immutable value of something that one thread writes and many read. Thread-safe;
/// neither side ever waits for longer than a pointer swap.
template <class T>
class Latest {
 public:
  /// Null until the first `set`.
  [[nodiscard]] std::shared_ptr<const T> get() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

  void set(std::shared_ptr<const T> value) {
    {
      const std::scoped_lock lock(mutex_);
      value_.swap(value);
    }
    // `value` now holds the old one: it is freed here, outside the lock.
  }

 private:
  // Not std::atomic<shared_ptr>: libstdc++ 12's is a data race to TSan.
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace upkeep
