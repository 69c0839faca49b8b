#include "app/cli/daemon_talk.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>

#include "app/cli/exit_code.h"

namespace upkeep::cli {

bool is_silence(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timed_out;
}

int failed(Output& output, const Error& error, int exit_code) {
  output.err << painted("upkeep: " + error.message, Colour::bad, output.err_style) << '\n';
  return exit_code;
}

int failed_to_find(Output& output, const Error& error) {
  if (is_silence(error)) return failed(output, error, kNotRunning);
  output.err << painted(error.message, Colour::bad, output.err_style) << '\n';
  return kUsage;
}

int order_failed(Output& output, Error error) {
  if (!is_silence(error)) return failed(output, error, kFailed);
  // An order that was sent and not answered may have been carried out.
  error.message += error.code == Errc::timed_out
                       ? "; it may still be done: look with `upkeep history`"
                       : "; nothing was changed";
  return failed(output, error, kNotRunning);
}

std::string user_name() {
  if (const char* name = std::getenv("SUDO_USER"); name != nullptr && *name != '\0') return name;
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? fmt::format("uid {}", getuid()) : std::string(entry->pw_name);
}

}  // namespace upkeep::cli
