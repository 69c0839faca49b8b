#pragma once

#include <string>
#include <string_view>

#include "remediation/rules/rule.h"

namespace upkeep {

/// A finding of `rule` about `subject`, with what is on record of the problem: what showed it
/// first, since when, whether it is confirmed.
[[nodiscard]] Finding finding(std::string_view rule, Target subject, std::string detail,
                              const World& world);

/// Why nothing is done, when nothing but a person or another fact can change it.
[[nodiscard]] Held hold(Hold reason, std::string detail, std::string opens_with = "");

/// What this boot has shown of the resource; nothing known is the default.
[[nodiscard]] ResourceHistory history_of(const ResourceName& resource, const World& world);

/// Evidence of split brain, in the reading or on record.
[[nodiscard]] std::optional<SplitBrainEvidence> split_brain_of(const DrbdResource& resource,
                                                               const World& world);

}  // namespace upkeep
