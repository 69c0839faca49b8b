#include "app/demo/demo_banner.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "app/demo/demo_fleet.h"

namespace upkeep {

std::string to_text(const DemoBanner& banner) {
  std::size_t on_drbd = 0;
  for (const DemoVm& vm : demo_vms()) {
    if (vm.resource) ++on_drbd;
  }

  std::string text = fmt::format(
      "\n"
      "  upkeep demo: {} simulated VMs (libvirt's test driver), {} of them on a simulated DRBD "
      "pair.\n"
      "  Nothing on this machine is touched. Ctrl-C ends it, and the VMs with it.\n"
      "\n"
      "    status page  {}/\n"
      "    metrics      {}/metrics\n"
      "\n"
      "  In another terminal:\n"
      "\n",
      demo_vms().size(), on_drbd, banner.public_url, banner.public_url);
  const std::array<std::pair<const char*, const char*>, 8> tries{{
      {"status", "what runs, and what is wanted"},
      {"demo crash web1", "its QEMU dies: upkeep starts it again"},
      {"demo power-cut", "the whole node: DRBD first, then the VMs on it"},
      {"history --recovery 0", "... and how long each VM took"},
      {"demo stop web2", "stopped on purpose: stays down"},
      {"why vm/web2", "... and why"},
      {"demo disconnect db1", "cut db1's replication link, then crash db1"},
      {"history", "what happened, newest last"},
  }};
  for (const auto& [command, what] : tries) {
    text += fmt::format("    {} {:<22} # {}\n", banner.program, command, what);
  }
  text += '\n';
  for (const std::string& notice : banner.notices) text += fmt::format("  Note: {}\n\n", notice);
  return text;
}

}  // namespace upkeep
