#include <unistd.h>

#include <iostream>
#include <span>

#include "app/cli/cli.h"

int main(int argc, char** argv) {
  const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
  upkeep::cli::Output output{.out = std::cout,
                             .err = std::cerr,
                             .out_style = upkeep::cli::style_for(STDOUT_FILENO),
                             .err_style = upkeep::cli::style_for(STDERR_FILENO)};
  // A program started without even its own name still gets the help.
  return upkeep::cli::run_cli(arguments.empty() ? arguments : arguments.subspan(1), output);
}
