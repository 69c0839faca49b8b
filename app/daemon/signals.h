#pragma once

#include <optional>

#include "platform/unique_fd.h"

namespace upkeep {

/// SIGTERM, SIGINT and SIGHUP as something the loop can wait for. They are blocked from
/// construction on: construct it before the first thread starts, or that thread is killed by them.
class Signals {
 public:
  enum class Kind { stop, reload };

  Signals();

  /// Readable when a signal came; -1 when no descriptor was left.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next one that came, if any. Never blocks.
  [[nodiscard]] std::optional<Kind> take() const;

 private:
  UniqueFd fd_;
};

}  // namespace upkeep
