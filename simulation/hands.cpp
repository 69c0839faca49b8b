#include "simulation/hands.h"

#include <chrono>
#include <utility>

#include "simulation/simulated_node.h"

namespace upkeep::simulation {
namespace {

using std::chrono::milliseconds;

// What calls take on a node that isn't busy: libvirt's answers and a QEMU's start as measured on
// real ones, DRBD's programs by their own sleeps.
constexpr Duration kLook = milliseconds(20);
constexpr Duration kStart = milliseconds(700);
constexpr Duration kDryRun = milliseconds(60);
constexpr Duration kAdjust = milliseconds(300);
constexpr Duration kShort = milliseconds(100);

/// Sends orders to the node, if whoever listens lets them through.
class Hand {
 public:
  Hand(SimulatedNode& node, std::shared_ptr<ActionClock> clock)
      : node_(node), clock_(std::move(clock)) {}

 protected:
  template <class Effect>
  Result<void> send(const Terms& terms, const Order& order, Duration takes, const Effect& effect) {
    if (auto word = terms.ask(); !word) return word;
    clock_->spend(takes);
    if (node_.on_order) {
      const Result<Duration> more = node_.on_order(order);
      if (!more) return std::unexpected(more.error());
      clock_->spend(*more);
    }
    return effect();
  }

  SimulatedNode& node_;
  std::shared_ptr<ActionClock> clock_;
};

class HypervisorHand final : public HypervisorSession, private Hand {
 public:
  HypervisorHand(SimulatedNode& node, std::shared_ptr<ActionClock> clock, Terms terms)
      : Hand(node, std::move(clock)), terms_(std::move(terms)) {}

  Result<void> start(const VmUuid& uuid) override {
    return send(terms_, {"start", uuid.value}, kStart, [&] { return node_.start(uuid); });
  }
  Result<void> destroy_crashed(const VmUuid& uuid) override {
    return send(terms_, {"destroy_crashed", uuid.value}, kShort, [&]() -> Result<void> {
      const auto guest = node_.guests().find(uuid);
      if (guest == node_.guests().end() || guest->second.state != VmState::crashed) {
        return fail(Errc::conflict, "it isn't crashed");
      }
      node_.stop(uuid, VmReason::destroyed, {VmEventKind::stopped_destroyed});
      return {};
    });
  }
  Result<void> resume(const VmUuid& uuid) override {
    return send(terms_, {"resume", uuid.value}, kShort, [&] { return node_.resume(uuid); });
  }
  Result<void> reset(const VmUuid& uuid) override {
    return send(terms_, {"reset", uuid.value}, kShort, [&] { return node_.reset(uuid); });
  }
  Result<void> attach_disk(const VmUuid& uuid, const DiskTarget& /*disk*/) override {
    return send(terms_, {"attach_disk", uuid.value}, kShort,
                []() -> Result<void> { return fail(Errc::conflict, "it is there already"); });
  }

 private:
  Terms terms_;
};

/// On a simulated node there is always a place.
class HypervisorHands final : public HypervisorControl {
 public:
  HypervisorHands(SimulatedNode& node, std::shared_ptr<ActionClock> clock)
      : node_(node), clock_(std::move(clock)) {}

  Result<std::unique_ptr<HypervisorSession>> session(const Terms& terms) override {
    return std::make_unique<HypervisorHand>(node_, clock_, terms);
  }

 private:
  SimulatedNode& node_;
  std::shared_ptr<ActionClock> clock_;
};

class ReplicationHand final : public ReplicationControl, private Hand {
 public:
  using Hand::Hand;

  Result<std::vector<std::string>> dry_run_adjust(const ResourceName& resource,
                                                  AdjustScope /*scope*/,
                                                  const Terms& terms) override {
    if (auto word = terms.ask(); !word) return std::unexpected(word.error());
    clock_->spend(kDryRun);
    return std::vector<std::string>{"drbdsetup new-resource " + resource.value + " 0"};
  }
  Result<void> adjust(const ResourceName& resource, AdjustScope /*scope*/,
                      const Terms& terms) override {
    return send(terms, {"adjust", resource.value}, kAdjust,
                [&] { return disks().bring_up(node_.index(), resource); });
  }
  Result<void> connect(const ResourceName& resource, const Terms& terms) override {
    return send(terms, {"connect", resource.value}, kShort,
                [&] { return disks().connect(node_.index(), resource); });
  }
  Result<void> connect_link(const DrbdLink& link, const Terms& terms) override {
    return connect(link.resource, terms);
  }
  Result<void> disconnect(const ResourceName& resource, const Terms& terms) override {
    return send(terms, {"disconnect", resource.value}, kShort, not_simulated);
  }
  Result<void> connect_discarding_local(const ResourceName& resource, const Terms& terms) override {
    return send(terms, {"discard", resource.value}, kShort, not_simulated);
  }
  Result<void> probe_backing(const DrbdVolume& /*volume*/, const Terms& terms) override {
    if (auto word = terms.ask(); !word) return word;
    clock_->spend(kShort);
    return {};
  }
  Result<void> attach(const DrbdVolume& volume, const Terms& terms) override {
    return send(terms, {"attach", volume.resource.value}, kShort, not_simulated);
  }
  Result<void> promote(const ResourceName& resource, const Terms& terms) override {
    return send(terms, {"promote", resource.value}, kShort,
                [&] { return disks().promote(node_.index(), resource); });
  }
  Result<void> demote(const ResourceName& resource, const Terms& terms) override {
    return send(terms, {"demote", resource.value}, kShort,
                [&] { return disks().demote(node_.index(), resource); });
  }

 private:
  static Result<void> not_simulated() { return fail(Errc::failed, "not simulated"); }
  Replication& disks() { return node_.replication(); }
};

class Eyes final : public FactReader, private Hand {
 public:
  using Hand::Hand;

  Result<std::shared_ptr<const Snapshot>> reread(const Target& target,
                                                 Duration /*deadline*/) override {
    clock_->spend(kLook);
    return node_.reread(target);
  }
  std::function<void()> split_brain_settler(const ResourceName& /*resource*/) override {
    return [] {};
  }
};

}  // namespace

ActionTools hands_on(SimulatedNode& node, const std::shared_ptr<ActionClock>& clock) {
  return {.hypervisor = std::make_shared<HypervisorHands>(node, clock),
          .replication = std::make_shared<ReplicationHand>(node, clock),
          .facts = std::make_shared<Eyes>(node, clock),
          .clock = clock};
}

}  // namespace upkeep::simulation
