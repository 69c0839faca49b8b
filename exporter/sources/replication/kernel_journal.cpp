#include "exporter/sources/replication/kernel_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <ranges>
#include <utility>

#include "platform/process.h"

namespace upkeep {
namespace {

using nlohmann::json;

constexpr std::size_t kMost = std::size_t{32} << 20U;  // Some 50000 lines of DRBD.
constexpr std::string_view kFirstWords = "Linux version ";
// SD_MESSAGE_JOURNAL_MISSED of sd-messages.h: "Missed N kernel messages".
constexpr std::string_view kMissed = "e9bf28e6e834481bb6f48f548ad13606";
constexpr std::string_view kFields =
    "_TRANSPORT,SYSLOG_FACILITY,_SOURCE_MONOTONIC_TIMESTAMP,MESSAGE_ID,MESSAGE";
constexpr std::uint64_t kLatest =
    INT64_MAX / 1000;                // In microseconds; our clocks count nanoseconds.
constexpr std::size_t kShown = 120;  // Of a complaint.

std::string_view text_of(const json& record, const char* key) {
  const auto at = record.find(key);
  if (at == record.end() || !at->is_string()) return {};
  return at->get_ref<const std::string&>();
}

std::optional<std::chrono::microseconds> time_of(const json& record, const char* key) {
  const std::string_view text = text_of(record, key);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || text.empty() || end != text.data() + text.size() ||
      number > kLatest) {
    return std::nullopt;
  }
  return std::chrono::microseconds(static_cast<std::int64_t>(number));
}

// Of this boot: what the kernel itself said, and where the journal knows of missing records. Of the
// former the boot's first record, DRBD's, and the one by which the ring buffer is found.
std::vector<std::string> command(const std::string& journalctl, const std::string& anchor) {
  return {journalctl,
          "--system",
          "--boot=0",
          "--quiet",
          "--no-pager",
          "--output=json",
          fmt::format("--output-fields={}", kFields),
          "--case-sensitive=yes",
          fmt::format(R"(--grep=^({}|(block )?drbd|Missed |\Q{}\E$))", kFirstWords, anchor),
          "_TRANSPORT=kernel",
          "SYSLOG_FACILITY=0",
          "+",
          "_TRANSPORT=driver",
          fmt::format("MESSAGE_ID={}", kMissed)};
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, std::min(text.find('\n'), kShown)));
}

bool is_anchor(const JournalRecord& record, const KernelLogBeginning::Anchor& anchor) {
  return record.since_boot == anchor.since_boot && record.message == anchor.message;
}

Result<std::string> ask(const KernelJournalRequest& request, const std::string& anchor) {
  auto result = run({.argv = command(request.journalctl, anchor),
                     .deadline = request.deadline,
                     .output_cap = kMost,
                     .stop = request.stop});
  if (!result) return std::unexpected(std::move(result.error()));
  // 1: nothing was found. A file that it can't use is left out with a warning and exit code 0.
  const bool done = result->exit_code == 0 || result->exit_code == 1;
  if (!done || !result->err.empty()) {
    return fail(Errc::failed, fmt::format("{}: exit code {}: {}", request.journalctl,
                                          result->exit_code, first_line(result->err)));
  }
  return std::move(result->out);
}

}  // namespace

std::optional<JournalRecord> parse_journal_line(std::string_view line) {
  const json record = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return std::nullopt;
  const std::string_view transport = text_of(record, "_TRANSPORT");
  if (transport == "driver" && text_of(record, "MESSAGE_ID") == kMissed) {
    return JournalRecord{JournalRecord::Kind::missed, {}, std::string(text_of(record, "MESSAGE"))};
  }
  // What a program wrote to /dev/kmsg has another facility.
  if (transport != "kernel" || text_of(record, "SYSLOG_FACILITY") != "0") return std::nullopt;
  const auto since_boot = time_of(record, "_SOURCE_MONOTONIC_TIMESTAMP");
  const std::string_view message = text_of(record, "MESSAGE");
  if (!since_boot || message.empty()) return std::nullopt;
  return JournalRecord{JournalRecord::Kind::kernel, *since_boot, std::string(message)};
}

Result<KernelPast> read_kernel_journal(const KernelJournalRequest& request,
                                       const KernelLogBeginning& ring) {
  if (!ring.anchor) {
    return fail(Errc::unavailable, "nothing in the ring buffer can be looked up in the journal");
  }
  const auto text = ask(request, ring.anchor->message);
  if (!text) return std::unexpected(text.error());
  KernelPast past;
  for (const auto part : std::views::split(*text, '\n')) {
    auto record = parse_journal_line(std::string_view(part));
    if (!record) continue;
    if (record->kind == JournalRecord::Kind::kernel) {
      // The ring buffer has this one, and what follows it.
      if (is_anchor(*record, *ring.anchor)) return past;
      if (record->since_boot >= ring.since_boot) continue;
      if (record->message.starts_with(kFirstWords)) {
        past.whole = past.records.empty();
        continue;
      }
    } else {
      past.whole = false;
    }
    past.records.push_back(std::move(*record));
  }
  return fail(Errc::unavailable,
              "the journal does not have all that the kernel logged since the boot");
}

}  // namespace upkeep
