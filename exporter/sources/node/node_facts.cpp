#include "exporter/sources/node/node_facts.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/sources/node/wtmp.h"

namespace upkeep {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> text_of(const fs::path& file) {
  const std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return std::nullopt;
  return std::move(text).str();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// The number at the start of `text`.
template <class Number>
std::optional<Number> leading_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// Calls `visit` with each line until it returns false.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (!visit(text.substr(0, end)) || end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

struct Stat {
  WallTime boot_time;
  std::uint32_t cores = 0;  ///< Online ones.
};

Result<Stat> read_stat(const fs::path& root) {
  const fs::path file = root / "proc/stat";
  const std::string text = text_of(file).value_or("");
  constexpr std::string_view kBootTime = "btime ";
  std::optional<std::int64_t> booted;
  std::uint32_t cores = 0;
  each_line(text, [&](std::string_view line) {
    if (line.starts_with(kBootTime)) {
      booted = leading_number<std::int64_t>(line.substr(kBootTime.size()));
    }
    // "cpu " sums up, "cpu0 " and so on are cores.
    if (line.starts_with("cpu") && leading_number<unsigned>(line.substr(3))) ++cores;
    return true;
  });
  if (!booted) return fail(Errc::unavailable, fmt::format("no btime in {}", file.string()));
  return Stat{.boot_time = WallTime(std::chrono::seconds(*booted)), .cores = cores};
}

Pressure read_pressure(const fs::path& root) {
  const auto ratio = [&](const char* file, const char* kind) {
    const auto text = text_of(root / "proc/pressure" / file);
    return text ? pressure_ratio(*text, kind) : std::nullopt;
  };
  return {.cpu_some = ratio("cpu", "some"),
          .io_some = ratio("io", "some"),
          .io_full = ratio("io", "full"),
          .memory_some = ratio("memory", "some")};
}

void feed(WtmpReader& reader, const fs::path& file) {
  constexpr std::size_t kPiece = std::size_t{256} * 1024;
  std::ifstream in(file, std::ios::binary);
  std::vector<char> buffer(kPiece);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const std::span<const char> got(buffer.data(), static_cast<std::size_t>(in.gcount()));
    reader.take(std::as_bytes(got));
  }
}

}  // namespace

std::optional<double> pressure_ratio(std::string_view file, std::string_view kind) {
  constexpr std::string_view kAverage = "avg10=";
  std::optional<double> ratio;
  each_line(file, [&](std::string_view line) {
    if (!line.starts_with(kind)) return true;
    const std::size_t at = line.find(kAverage);
    if (at == std::string_view::npos) return true;
    const auto percent = leading_number<double>(line.substr(at + kAverage.size()));
    if (percent) ratio = *percent / 100;
    return false;
  });
  return ratio;
}

Result<BootId> read_boot_id(const fs::path& root) {
  const fs::path file = root / "proc/sys/kernel/random/boot_id";
  const auto text = text_of(file);
  const auto id = text ? trimmed(*text) : std::string_view();
  if (id.empty()) return fail(Errc::unavailable, fmt::format("no boot id in {}", file.string()));
  return BootId{std::string(id)};
}

Result<Node> read_node(const fs::path& root) {
  auto boot_id = read_boot_id(root);
  if (!boot_id) return std::unexpected(boot_id.error());
  const auto stat = read_stat(root);
  if (!stat) return std::unexpected(stat.error());
  Node node;
  node.boot_id = std::move(*boot_id);
  node.boot_time = stat->boot_time;
  if (stat->cores > 0) node.cores = stat->cores;
  if (const auto load = text_of(root / "proc/loadavg")) node.load1 = leading_number<double>(*load);
  node.pressure = read_pressure(root);
  return node;
}

PreviousShutdown read_previous_shutdown(const fs::path& root, WallTime boot_time) {
  WtmpReader reader(boot_time);
  // Rotated just after the boot: what came before is in the older file.
  feed(reader, root / "var/log/wtmp.1");
  feed(reader, root / "var/log/wtmp");
  return reader.verdict();
}

}  // namespace upkeep
