#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "exporter/model/clock.h"
#include "exporter/model/vm.h"
#include "remediation/intent.h"

namespace upkeep {

/// " on 2026-11-22 03:12:04", in the node's time zone; empty for a time that was never set.
[[nodiscard]] std::string on(WallTime at);
/// " until 2026-11-22 05:12:04"; " until it is resumed" for no time.
[[nodiscard]] std::string until(const std::optional<WallTime>& end);
/// "8 s", "12 min", rounded up: never promises too early.
[[nodiscard]] std::string span(Duration left);
/// " by anna: node2 burnt down"; what is empty is left out.
[[nodiscard]] std::string by_whom(const std::string& by, const std::string& reason = "");
/// "320.0 KiB".
[[nodiscard]] std::string bytes_text(double bytes);
/// Why a VM is off, as the end of "web1 stays down: …".
[[nodiscard]] std::string_view because(StopCause cause);
/// Who wants what, and since when: "root marked it down on …", "auto: it crashed on …". `line` may
/// be null unless the wish is a mark.
[[nodiscard]] std::string who_wants(const Wish& wish, const Intent* line);
/// "shut off (crashed)".
[[nodiscard]] std::string state_of(const Vm& vm);
/// What to say of a VM that no rule complains about.
[[nodiscard]] std::string vm_headline(const Vm& vm, const Wish& wish, const Intent* line);

}  // namespace upkeep
