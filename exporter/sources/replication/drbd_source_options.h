#pragma once

#include <filesystem>
#include <string>

#include "exporter/model/clock.h"

namespace upkeep {

/// How to read DRBD.
struct DrbdSourceOptions {
  enum class Enabled { automatic, on, off };

  std::filesystem::path root = "/";  ///< For /proc/drbd and who manages resources; tests' own.
  std::string drbdsetup = "/usr/sbin/drbdsetup";
  std::string drbdadm = "/usr/sbin/drbdadm";
  std::string journalctl = "/usr/bin/journalctl";
  std::string host = {};  ///< What drbdadm calls this node; empty: `uname -n`.
  Enabled enabled = Enabled::automatic;
  Duration reread_84 =
      std::chrono::seconds(2);  ///< Also: how often a missing module is looked for.
  Duration reread_9 = std::chrono::seconds(5);
  Duration reread_config = std::chrono::seconds(60);
  Duration command_deadline = std::chrono::seconds(5);
  Duration give_up_after = std::chrono::seconds(10);        ///< Then the reading becomes an Error.
  Duration disagreement_limit = std::chrono::seconds(2);    ///< 8.4: then the stream is restarted.
  Duration first_respawn = std::chrono::milliseconds(500);  ///< Doubles up to `last_respawn`.
  Duration last_respawn = std::chrono::seconds(10);
};

}  // namespace upkeep
