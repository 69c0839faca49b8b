#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/command_line.h"
#include "app/cli/commands.h"
#include "app/config.h"
#include "exporter/model/snapshot.h"

namespace upkeep::cli {

enum class Grade { ok, note, warning, error };

[[nodiscard]] std::string_view to_string(Grade grade);

/// One thing that `upkeep check` looked at.
struct CheckLine {
  Grade grade = Grade::ok;
  std::string topic;  ///< "config", "libvirt", "drbd", …
  std::string text;
  std::string fix;  ///< The command or change that mends it; empty when there is none.

  friend bool operator==(const CheckLine&, const CheckLine&) = default;
};

using CheckReport = std::vector<CheckLine>;

/// What a check needs of libvirt. Both block for `patience` at most.
class LibvirtProbe {
 public:
  LibvirtProbe() = default;
  LibvirtProbe(const LibvirtProbe&) = delete;
  LibvirtProbe& operator=(const LibvirtProbe&) = delete;
  virtual ~LibvirtProbe() = default;

  [[nodiscard]] virtual Result<Vms> list() = 0;
  /// Whether a connection may start VMs.
  [[nodiscard]] virtual Result<void> may_act() = 0;
};

/// Asks the libvirt at `uri`; `root` is where /proc and /sys are.
class SystemLibvirtProbe final : public LibvirtProbe {
 public:
  SystemLibvirtProbe(std::string uri, std::filesystem::path root, Duration patience);

  [[nodiscard]] Result<Vms> list() override;
  [[nodiscard]] Result<void> may_act() override;

 private:
  std::string uri_;
  std::filesystem::path root_;
  Duration patience_;
};

// The parts of a check. `root` is "/" but for tests.
void check_config(const Config& config, const std::optional<std::filesystem::path>& file,
                  CheckReport& report);
void check_journal(const Config& config, CheckReport& report);
void check_token(const Config& config, CheckReport& report);
void check_drbd(const Config& config, const std::filesystem::path& root, CheckReport& report);
/// The IPv4 addresses of a host; none when nobody knows it. May wait for a name server.
using AddressLookup = std::function<std::vector<std::string>(const std::string& host)>;
[[nodiscard]] std::vector<std::string> look_up_addresses(const std::string& host);

/// Looks up only names at whose port this node listens.
void check_peers(const Config& config, CheckReport& report,
                 const AddressLookup& addresses_of = look_up_addresses);
void check_managers(const std::filesystem::path& root, CheckReport& report);
void check_libvirt(const Config& config, LibvirtProbe& libvirt, CheckReport& report);
void check_libvirt_guests(const std::filesystem::path& root, CheckReport& report);

/// 0: fine; 1: warnings; 2: errors.
[[nodiscard]] int exit_code_of(const CheckReport& report);
[[nodiscard]] std::string render_check(const CheckReport& report, const Style& style);

/// `upkeep check`
[[nodiscard]] int check(const CommandLine& line, Output& output);

}  // namespace upkeep::cli
