// SIGHUP: the configuration is read again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "app/daemon/config_change.h"
#include "app/daemon/upkeep.h"

namespace upkeep {

void Upkeep::tell_changes() {
  auto lines = config_lines(*options_.config_file);
  if (!lines) return;  // Written to again since it was loaded.
  for (const ConfigLineChange& change : changed_lines(config_lines_, *lines)) {
    setting_.log.info("configuration changed",
                      {{"key", change.key}, {"before", change.before}, {"after", change.after}});
  }
  config_lines_ = std::move(*lines);
}

std::shared_ptr<const Policy> Upkeep::reload() {
  const auto& log = setting_.log;
  if (!options_.config_file) {
    log.info("nothing to reload: upkeep runs without a configuration file");
    return nullptr;
  }
  auto loaded = load_config(*options_.config_file);
  instruments_.config_loaded(loaded.has_value(), setting_.clock->wall());
  if (!loaded) {
    log.error("configuration is wrong: the old one stays", {{"error", loaded.error().message}});
    return nullptr;
  }
  tell_changes();
  const ConfigChange change = change_between(config_, *loaded);
  config_ = reloaded(config_, *loaded);
  log.info("configuration reloaded", {{"file", options_.config_file->string()},
                                      {"changed", fmt::format("{}", fmt::join(change.now, ","))},
                                      {"mode", to_string(config_.mode)}});
  if (!change.at_restart.empty()) {
    log.warn("these sections take effect when upkeep is started again",
             {{"sections", fmt::format("{}", fmt::join(change.at_restart, ","))}});
  }
  if (observe_only_ && config_.mode != Mode::observe) {
    log.warn("upkeep still only observes: its journal was damaged; start it again to act");
  }
  auto policy = compile_policy();
  host_->use_checks(checks_of(policy));
  return policy;
}

}  // namespace upkeep
