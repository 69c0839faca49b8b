#include "remediation/action.h"

namespace upkeep {
namespace {

constexpr std::string_view kVmPrefix = "vm/";
constexpr std::string_view kResourcePrefix = "resource/";

/// Everything an action of one type is known by.
template <class T>
struct Traits;

template <>
struct Traits<StartVm> {
  static constexpr std::string_view name = "start_vm";
  static constexpr Risk risk = Risk::low;
};

template <>
struct Traits<BringUpResource> {
  static constexpr std::string_view name = "bring_up_resource";
  static constexpr Risk risk = Risk::low;
};

template <>
struct Traits<ReconnectResource> {
  static constexpr std::string_view name = "reconnect_resource";
  static constexpr Risk risk = Risk::medium;
};

template <>
struct Traits<AttachDevice> {
  static constexpr std::string_view name = "attach_device";
  static constexpr Risk risk = Risk::medium;
};

template <>
struct Traits<ResumeVm> {
  static constexpr std::string_view name = "resume_vm";
  static constexpr Risk risk = Risk::medium;
};

template <>
struct Traits<ResetVm> {
  static constexpr std::string_view name = "reset_vm";
  static constexpr Risk risk = Risk::high;
};

template <>
struct Traits<ReattachDisk> {
  static constexpr std::string_view name = "reattach_disk";
  static constexpr Risk risk = Risk::medium;
};

template <>
struct Traits<ResolveSplitBrain> {
  static constexpr std::string_view name = "resolve_split_brain";
  static constexpr Risk risk = Risk::high;
};

template <class Variant>
struct Names;

template <class... Actions>
struct Names<std::variant<Actions...>> {
  [[nodiscard]] static std::vector<std::string_view> list() { return {Traits<Actions>::name...}; }
};

Target target_of_one(const StartVm& start) { return target_of(start.vm); }
Target target_of_one(const BringUpResource& bring_up) { return target_of(bring_up.resource); }
Target target_of_one(const ReconnectResource& reconnect) { return target_of(reconnect.resource); }
Target target_of_one(const AttachDevice& attach) { return target_of(attach.resource); }
Target target_of_one(const ResumeVm& resume) { return target_of(resume.vm); }
Target target_of_one(const ResetVm& reset) { return target_of(reset.vm); }
Target target_of_one(const ReattachDisk& reattach) { return target_of(reattach.vm); }
Target target_of_one(const ResolveSplitBrain& resolve) { return target_of(resolve.resource); }

}  // namespace

std::string to_string(const Target& target) {
  const std::string_view prefix = target.kind == Target::Kind::vm ? kVmPrefix : kResourcePrefix;
  return std::string(prefix) + target.name;
}

std::optional<Target> to_target(std::string_view text) {
  const auto named = [&](Target::Kind kind, std::string_view prefix) -> std::optional<Target> {
    if (!text.starts_with(prefix) || text.size() == prefix.size()) return std::nullopt;
    return Target{.kind = kind, .name = std::string(text.substr(prefix.size()))};
  };
  if (auto vm = named(Target::Kind::vm, kVmPrefix)) return vm;
  return named(Target::Kind::resource, kResourcePrefix);
}

Target target_of(const VmName& vm) { return {.kind = Target::Kind::vm, .name = vm.value}; }

Target target_of(const ResourceName& resource) {
  return {.kind = Target::Kind::resource, .name = resource.value};
}

Target target_of(const Action& action) {
  return std::visit([](const auto& one) { return target_of_one(one); }, action);
}

std::string_view name_of(const Action& action) {
  return std::visit([]<class T>(const T&) { return Traits<T>::name; }, action);
}

Risk risk_of(const Action& action) {
  return std::visit([]<class T>(const T&) { return Traits<T>::risk; }, action);
}

const std::vector<std::string_view>& all_action_names() {
  static const std::vector<std::string_view> names = Names<Action>::list();
  return names;
}

}  // namespace upkeep
