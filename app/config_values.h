#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "app/config.h"
#include "exporter/model/clock.h"
#include "exporter/model/health.h"

namespace upkeep {

/// A value of the configuration, or the sentence that says what is wrong with it.
template <class T>
using Parsed = std::expected<T, std::string>;

/// "500ms", "10s", "5m", "8h", "2d", and sums of them from large to small: "1h30m".
[[nodiscard]] Parsed<Duration> parse_duration(std::string_view text);

/// The shortest text that `parse_duration` reads back: "90s", "5m", "1h30m".
[[nodiscard]] std::string duration_text(Duration duration);

/// "never", which is absent, or "after 10m": 1 minute to 7 days.
[[nodiscard]] Parsed<std::optional<Duration>> parse_allow_degraded(std::string_view text);

/// "127.0.0.1:9894", "localhost:9894" or ":9894" (every address of the machine).
[[nodiscard]] Parsed<ListenAddress> parse_listen(std::string_view text);

/// "http://HOST[:PORT]" or https, nothing behind it but a "/", which is dropped.
[[nodiscard]] Parsed<std::string> parse_base_url(std::string_view text);

/// "none", "agent" or "tcp:HOST:PORT"; HOST is a name or an IPv4 address.
[[nodiscard]] Parsed<HealthCheck> parse_health(std::string_view text);

/// An IPv4 address, or a network such as "10.0.0.0/24".
[[nodiscard]] Parsed<std::string> parse_network(std::string_view text);

/// A pattern as fnmatch(3) takes it; refused when it can match nothing that was meant.
[[nodiscard]] Parsed<std::string> parse_glob(std::string_view text);

/// libvirt takes nearly everything as a name; the empty text is none.
[[nodiscard]] Parsed<std::string> parse_vm_name(std::string_view text);

/// Letters, digits, '.', '-' and '_'.
[[nodiscard]] Parsed<std::string> parse_node_name(std::string_view text);

/// A label of Prometheus: letters, digits and '_', no digit first.
[[nodiscard]] Parsed<std::string> parse_label_name(std::string_view text);

}  // namespace upkeep
