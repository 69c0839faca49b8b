#pragma once

#include <array>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/metrics/catalog/drbd.h"
#include "exporter/metrics/catalog/nodes.h"
#include "exporter/metrics/catalog/remediation.h"
#include "exporter/metrics/catalog/self.h"
#include "exporter/metrics/catalog/vm_figures.h"
#include "exporter/metrics/catalog/vms.h"
#include "exporter/metrics/metric_family.h"

namespace upkeep {

/// A part of docs/metrics.md.
struct MetricSection {
  std::string_view title;
  std::string_view intro;  ///< Markdown; may be empty.
  std::span<const MetricFamily> families;
};

namespace catalog {

inline constexpr std::array kSections{
    MetricSection{"VMs", "", kVms},
    MetricSection{"Figures of VMs",
                  "Of running VMs, read each 15 s and absent when `[libvirt] stats = false`.",
                  kVmFigures},
    MetricSection{"DRBD",
                  "`peer` is the peer's host name. DRBD 8.4 doesn't tell it: there it is the other "
                  "host of the resource in drbdadm's configuration, and `peer` where that doesn't "
                  "name exactly one (stacked, `floating`) or could not be read yet.",
                  kDrbd},
    MetricSection{"The node and its peers", "", kNodes},
    MetricSection{"What upkeep does", "", kRemediation},
    MetricSection{"The webhook", "", kWebhook},
    MetricSection{"upkeep itself", "", kSelf},
};

}  // namespace catalog

/// Everything that upkeep publishes, in the order of docs/metrics.md.
[[nodiscard]] std::span<const MetricSection> metric_catalog();

[[nodiscard]] std::vector<std::string> label_names(const MetricFamily& family);

/// A family of the catalog by its name; a name that isn't there does not compile. So nothing is
/// published that isn't documented.
class Documented {
 public:
  // Implicit: the name is how a writer says which family begins.
  consteval Documented(const char* name) : family_(&find(name)) {}

  [[nodiscard]] constexpr const MetricFamily& family() const { return *family_; }

 private:
  static consteval const MetricFamily& find(std::string_view name) {
    for (const MetricSection& section : catalog::kSections) {
      for (const MetricFamily& family : section.families) {
        if (family.name == name) return family;
      }
    }
    throw std::logic_error("no such metric in exporter/metrics/catalog");
  }

  const MetricFamily* family_;
};

}  // namespace upkeep
