#include "app/cli/times.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "exporter/model/rfc3339.h"

namespace upkeep::cli {
namespace {

struct Unit {
  double seconds;
  const char* name;
};
constexpr std::array<Unit, 4> kUnits{{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};

}  // namespace

std::optional<WallTime> from_rfc3339(std::string_view text) {
  return text.ends_with('Z') ? parse_rfc3339(text) : std::nullopt;
}

std::string to_rfc3339(WallTime at) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(at);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
  const std::time_t time = std::chrono::system_clock::to_time_t(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     (whole - seconds).count());
}

std::string local_time(WallTime at) {
  const std::time_t time =
      std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
  std::tm local{};
  localtime_r(&time, &local);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
                     local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

std::string short_duration(Seconds duration) {
  const double seconds = duration.count();
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  for (const auto& [length, name] : kUnits) {
    // Two of a unit before it is used: "90 s" says more than "1 min".
    if (seconds >= 2 * length) return fmt::format("{:.0f} {}", std::floor(seconds / length), name);
  }
  return fmt::format("{:.0f} s", seconds);
}

}  // namespace upkeep::cli
