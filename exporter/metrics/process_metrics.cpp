#include "exporter/metrics/process_metrics.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/model/clock.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  const std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::optional<double> number(std::string_view word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// Fields of /proc/PID/stat from the third on; the second, the program's name, may hold blanks and
/// parentheses itself.
std::vector<std::string> stat_fields(const fs::path& proc) {
  const std::string stat = text_of(proc / "self/stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(stat.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(std::move(field));
  return fields;
}

std::optional<double> boot_time(const fs::path& proc) {
  std::istringstream stat(text_of(proc / "stat"));
  for (std::string line; std::getline(stat, line);) {
    if (line.starts_with("btime ")) return number(std::string_view(line).substr(6));
  }
  return std::nullopt;
}

/// The soft limit of /proc/self/limits; "unlimited" is none.
std::optional<double> open_files_limit(const fs::path& proc) {
  constexpr std::string_view kRow = "Max open files";
  std::istringstream limits(text_of(proc / "self/limits"));
  for (std::string line; std::getline(limits, line);) {
    if (!line.starts_with(kRow)) continue;
    std::istringstream columns(line.substr(kRow.size()));
    std::string soft;
    columns >> soft;
    return number(soft);
  }
  return std::nullopt;
}

std::optional<double> open_files(const fs::path& proc) {
  std::error_code error;
  double count = 0;
  fs::directory_iterator entry(proc / "self/fd", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) ++count;
  if (error) return std::nullopt;
  return count - 1;  // One of them is the listing itself.
}

void figure(Exposition& out, Documented family, const std::optional<double>& value) {
  if (!value) return;
  out.family(family);
  out.sample({}, *value);
}

}  // namespace

void write_process(Exposition& out, const fs::path& root) {
  const fs::path proc = root / "proc";
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  // Numbered as in proc(5), which counts from 1.
  const auto fields = stat_fields(proc);
  const auto field = [&](std::size_t n) -> std::optional<double> {
    return n - 3 < fields.size() ? number(fields[n - 3]) : std::nullopt;
  };
  const auto user = field(14);
  const auto system = field(15);
  const auto started = field(22);
  const auto booted = boot_time(proc);
  const auto resident = field(24);

  if (user && system) {
    figure(out, "process_cpu_seconds_total", (*user + *system) / ticks);
  }
  figure(out, "process_virtual_memory_bytes", field(23));
  if (resident) {
    figure(out, "process_resident_memory_bytes", *resident * page);
  }
  figure(out, "process_open_fds", open_files(proc));
  figure(out, "process_max_fds", open_files_limit(proc));
  if (started && booted) {
    figure(out, "process_start_time_seconds", *booted + (*started / ticks));
  }
}

}  // namespace upkeep
