#pragma once

#include "exporter/metrics/exposition.h"
#include "exporter/metrics/instruments.h"
#include "exporter/model/snapshot.h"
#include "remediation/reconciler.h"

namespace upkeep {

/// Writes the gauges of what the remediation thinks: mode, wishes, latches, what is in flight or
/// waits, when it tries again, boots, split brains on record. They don't depend on libvirt or DRBD
/// answering.
void write_remediation(Exposition& out, const RemediationView& view, const Snapshot& snapshot,
                       Tick now);

/// Every label value that the remediation can give an instrument.
[[nodiscard]] InstrumentLabels instrument_labels();

}  // namespace upkeep
