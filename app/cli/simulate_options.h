#pragma once

#include <string>

#include "app/cli/command_line.h"

namespace CLI {
class App;
}

namespace upkeep::cli {

/// What `upkeep simulate` takes. Must outlive the command it was declared to.
class SimulateOptions {
 public:
  void declare(CLI::App& command);
  /// What was said; only once the command line was read without an error.
  [[nodiscard]] SimulateCommand command() const;

 private:
  SimulateCommand said_;
  std::string vms_ = "62";
  std::string storage_ = "drbd";
  std::string health_ = "agent";
  std::string compare_;
};

/// "62" → vm01 … vm62; "dns=2,db=10" → dns1, dns2, db01 … db10. Nothing when it is neither, or none
/// or more than 1000.
[[nodiscard]] std::optional<std::vector<std::string>> vm_names(const std::string& said);

}  // namespace upkeep::cli
