#pragma once

#include "app/cli/command_line.h"

namespace CLI {
class App;
}

namespace upkeep::cli {

/// What `upkeep drbd resolve` takes. Must outlive the command it was declared to.
class ResolveOptions {
 public:
  void declare(CLI::App& command);
  /// What was said; only once the command line was read without an error.
  [[nodiscard]] DrbdResolveCommand command() const;

 private:
  DrbdResolveCommand said_;
  bool discard_local_ = false;
  bool keep_local_ = false;
};

}  // namespace upkeep::cli
