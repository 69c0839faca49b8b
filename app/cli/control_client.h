#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "app/cli/daemon_address.h"
#include "exporter/model/result.h"

namespace upkeep::cli {

/// What a daemon answered: the body of a 200, else its sentence as an Error.
/// Errc::unavailable and timed_out: there is no daemon, or it does not answer. denied: no or wrong
/// token. Anything else is the daemon's own no.
class ControlClient {
 public:
  explicit ControlClient(DaemonAddress address) : address_(std::move(address)) {}

  /// `path` with its query. Blocks for 10 s at most.
  [[nodiscard]] Result<nlohmann::json> get(const std::string& path) const;
  [[nodiscard]] Result<nlohmann::json> post(const std::string& path,
                                            const nlohmann::json& body) const;
  /// The same from the public listener, which needs no token.
  [[nodiscard]] Result<nlohmann::json> get_public(const std::string& path) const;

 private:
  struct Request;
  [[nodiscard]] Result<nlohmann::json> ask(const Request& request) const;
  [[nodiscard]] Result<std::string> token() const;

  DaemonAddress address_;
};

/// The daemon's status; from the public listener for who may not give orders but may look.
[[nodiscard]] Result<nlohmann::json> ask_status(const ControlClient& client);

/// "vm%2Fweb1": a value for a query.
[[nodiscard]] std::string url_encoded(std::string_view text);

}  // namespace upkeep::cli
