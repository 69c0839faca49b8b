#pragma once

#include <string>

#include "app/cli/commands.h"
#include "exporter/model/result.h"

// What all commands that talk to a daemon say and do alike.

namespace upkeep::cli {

/// There is no daemon, or it does not answer.
[[nodiscard]] bool is_silence(const Error& error);

/// Prints the error; returns the exit code.
int failed(Output& output, const Error& error, int exit_code);

/// No demo runs, or the configuration is wrong; its errors begin with the file's name.
int failed_to_find(Output& output, const Error& error);

/// An order was not carried out, or nobody knows: says which, and returns the exit code.
int order_failed(Output& output, Error error);

/// Who gives an order: the person behind sudo, else the user.
[[nodiscard]] std::string user_name();

}  // namespace upkeep::cli
