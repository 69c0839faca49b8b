#include "app/daemon/config_change.h"

namespace upkeep {

Config reloaded(const Config& running, const Config& loaded) {
  Config config = running;
  config.mode = loaded.mode;
  config.policy = loaded.policy;
  config.vms = loaded.vms;
  config.alerts = loaded.alerts;
  return config;
}

ConfigChange change_between(const Config& before, const Config& after) {
  ConfigChange change;
  if (before.mode != after.mode) change.now.emplace_back("mode");
  if (before.policy != after.policy) change.now.emplace_back("policy");
  if (before.vms != after.vms) change.now.emplace_back("vm");
  if (before.alerts != after.alerts) change.now.emplace_back("alert");
  if (before.node != after.node) change.at_restart.emplace_back("node");
  if (before.http != after.http) change.at_restart.emplace_back("http");
  if (before.libvirt != after.libvirt) change.at_restart.emplace_back("libvirt");
  if (before.drbd != after.drbd) change.at_restart.emplace_back("drbd");
  if (before.journal != after.journal) change.at_restart.emplace_back("journal");
  if (before.peers != after.peers) change.at_restart.emplace_back("peer");
  return change;
}

}  // namespace upkeep
