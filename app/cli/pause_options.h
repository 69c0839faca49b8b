#pragma once

#include "app/cli/command_line.h"

namespace CLI {
class App;
}

namespace upkeep::cli {

/// What `upkeep pause`, `resume` and `maintenance` take. Must outlive the commands it was declared
/// to. What was said is known only once the command line was read without an error.
class PauseOptions {
 public:
  void declare_pause(CLI::App& command);
  void declare_resume(CLI::App& command);
  void declare_maintenance(CLI::App& command);

  [[nodiscard]] PauseCommand pause() const;
  [[nodiscard]] ResumeCommand resume() const { return resume_; }
  [[nodiscard]] MaintenanceCommand maintenance() const { return maintenance_; }

 private:
  PauseCommand pause_;
  std::string lasts_;
  bool forever_ = false;
  ResumeCommand resume_;
  MaintenanceCommand maintenance_;
};

}  // namespace upkeep::cli
