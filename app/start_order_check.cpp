#include "app/start_order_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

namespace upkeep {
namespace {

const VmConfig* block_of(const std::vector<VmConfig>& blocks, const VmName& vm) {
  const auto found = std::ranges::find_if(blocks, [&](const VmConfig& block) {
    return ::fnmatch(block.match.c_str(), vm.value.c_str(), 0) == 0;
  });
  return found == blocks.end() ? nullptr : &*found;
}

/// Follows what VMs wait for, until it comes back to `start`; `path` is the way there.
class Circle {
 public:
  Circle(const std::vector<VmConfig>& blocks, const VmConfig& start)
      : blocks_(blocks), start_(start) {}

  [[nodiscard]] bool closes_at(const VmConfig& at) {
    return std::ranges::any_of(at.after, [&](const VmName& name) {
      const VmConfig* next = block_of(blocks_, name);
      if (next == nullptr) return false;
      path_.push_back(name.value);
      if (next == &start_ || (seen_.insert(next).second && closes_at(*next))) return true;
      path_.pop_back();
      return false;
    });
  }
  [[nodiscard]] const std::vector<std::string>& path() const { return path_; }

 private:
  const std::vector<VmConfig>& blocks_;
  const VmConfig& start_;
  std::set<const VmConfig*> seen_;
  std::vector<std::string> path_;
};

}  // namespace

std::optional<std::string> fault_in_order(const std::vector<VmConfig>& blocks, std::size_t block) {
  const VmConfig& self = blocks[block];
  for (const VmName& name : self.after) {
    const VmConfig* before = block_of(blocks, name);
    const int priority = before == nullptr ? 0 : before->priority;
    if (priority <= self.priority) continue;
    return fmt::format(
        "'{}' has priority {}, which is started after priority {}: the two would "
        "wait for each other",
        name.value, priority, self.priority);
  }
  Circle circle(blocks, self);
  if (!circle.closes_at(self)) return std::nullopt;
  return fmt::format("goes in a circle: '{}' waits for {}, which this block is for", self.match,
                     fmt::join(circle.path(), ", which waits for "));
}

}  // namespace upkeep
