#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace upkeep {

/// What the demo says about itself when it starts.
struct DemoBanner {
  std::string public_url;
  std::string program;               ///< How to call upkeep: "build/release/upkeep".
  std::vector<std::string> notices;  ///< E.g. that another port had to be taken.
};

[[nodiscard]] std::string to_text(const DemoBanner& banner);

}  // namespace upkeep
