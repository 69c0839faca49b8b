#include "app/cli/resolve_options.h"

#include <CLI/CLI.hpp>

namespace upkeep::cli {

void ResolveOptions::declare(CLI::App& command) {
  command.add_option("RESOURCE", said_.resource, "The DRBD resource's name")->required();
  command.add_flag("--discard-local", discard_local_,
                   "On the node that gives up its changes: they are lost");
  command.add_flag("--keep-local", keep_local_, "On the other node");
  command.add_option("--reason", said_.reason, "For those who ask later")->type_name("TEXT");
  command
      .add_option("--yes-discard-data-on", said_.yes_discard_data_on,
                  "Confirms --discard-local without asking; NODE is this node's name")
      ->type_name("NODE");
  command.add_flag("--yes", said_.yes, "Confirms --keep-local without asking");
  command.parse_complete_callback([this] {
    if (discard_local_ == keep_local_) {
      throw CLI::ValidationError(
          "say --discard-local on the node whose changes are lost, --keep-local on the other");
    }
    if (keep_local_ && said_.yes_discard_data_on) {
      throw CLI::ValidationError("--yes-discard-data-on goes with --discard-local");
    }
    if (discard_local_ && said_.yes) {
      throw CLI::ValidationError("--yes goes with --keep-local; say --yes-discard-data-on NODE");
    }
  });
}

DrbdResolveCommand ResolveOptions::command() const {
  DrbdResolveCommand command = said_;
  command.side = discard_local_ ? SplitBrainSide::discard_local : SplitBrainSide::keep_local;
  return command;
}

}  // namespace upkeep::cli
