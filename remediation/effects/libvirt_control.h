#pragma once

#include <memory>
#include <string>

#include "remediation/effects.h"
#include "remediation/effects/call_places.h"

namespace upkeep {

/// Acts on VMs over read-write connections, opened when first needed, again when one died, and
/// afresh when a call hangs on one.
class LibvirtControl final : public HypervisorControl {
 public:
  explicit LibvirtControl(std::string uri);

  [[nodiscard]] Result<std::unique_ptr<HypervisorSession>> session(const Terms& terms) override;

 private:
  CallPlaces places_;
};

}  // namespace upkeep
