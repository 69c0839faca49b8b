#include "app/web/status_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "app/cli/times.h"
#include "app/web/html.h"
#include "app/web/page_style.h"
#include "remediation/explain.h"
#include "remediation/gates/pause.h"
#include "remediation/gates/tries.h"

namespace upkeep::web {
namespace {

std::string ago(Duration age) {
  return cli::short_duration(std::chrono::duration_cast<Seconds>(age)) + " ago";
}

std::string banner(std::string_view title, std::string_view text, bool trouble = false) {
  return fmt::format("<p class=\"banner{}\"><strong>{}</strong> {}</p>\n",
                     trouble ? " trouble" : "", escaped(title), escaped(text));
}

std::string mode_banner(const Moment& moment) {
  if (!moment.view) return banner("Starting", "upkeep has not looked at everything yet.");
  switch (moment.view->mode) {
    case Mode::observe: return banner("Observe", "upkeep only watches here: it repairs nothing.");
    case Mode::dry_run: return banner("Dry run", "upkeep says what it would do and does nothing.");
    case Mode::act: return "";
  }
  return "";
}

std::string pause_banners(const Moment& moment) {
  std::string html;
  if (!moment.view) return html;
  for (const auto& [key, standing] : moment.view->history.standings) {
    if (!is_pause(standing)) continue;
    html += banner("Paused", pause_text(standing, moment.view->history) + ".");
  }
  return html;
}

std::string mode_word(const Moment& moment) {
  if (!moment.view) return span("starting", Tone::warn);
  const Mode mode = moment.view->mode;
  return span("mode " + std::string(to_string(mode)), mode == Mode::act ? Tone::good : Tone::warn);
}

std::string boot_words(const Moment& moment) {
  const auto& node = moment.snapshot->node;
  if (!node.reading) return "<span class=\"bad\">boot not known</span>";
  std::string text = "booted " + cli::local_time(node.reading->boot_time);
  if (node.reading->shutting_down) text += ", shutting down";
  return span(text, node.reading->shutting_down ? Tone::warn : Tone::dim);
}

std::string head(const Moment& moment) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"refresh\" content=\"5\">\n"
      "<title>upkeep on {0}</title>\n<style>{1}</style></head>\n<body>\n"
      "<header><h1>{0}</h1>{2} {3} <span class=\"dim\">upkeep {4}, {5}</span></header>\n",
      escaped(moment.identity.node), kPageStyle, mode_word(moment), boot_words(moment),
      escaped(moment.identity.version), escaped(cli::local_time(moment.wall)));
}

std::string source_banners(const Moment& moment, const Report& report) {
  std::string html;
  for (const auto& source : report.sources) {
    if (source.up) continue;
    const std::string since =
        source.at ? fmt::format(" (asked last {})", ago(moment.now - *source.at)) : "";
    html += banner(fmt::format("{} can't be read", to_string(source.source)),
                   trouble_of(source) + since, true);
  }
  return html;
}

std::string source_line(const Report& report) {
  std::string html = "<p>Sources:";
  for (const auto& source : report.sources) {
    html += " " + span(fmt::format("{} {}", to_string(source.source), source.up ? "up" : "down"),
                       source.up ? Tone::good : Tone::bad);
  }
  return html + "</p>\n";
}

/// What upkeep thinks of a target, for the table's last column.
std::string decision_html(const TargetReport& target, Tick now) {
  std::string html;
  if (target.tried != nullptr && given_up_since(*target.tried)) {
    html += span("latched", Tone::bad) + " ";
  }
  for (const auto* decision : target.decisions) {
    html += escaped(sentence(*decision, now));
    const auto* held = std::get_if<Held>(&decision->verdict);
    if (held != nullptr && !held->opens_with.empty()) {
      html += fmt::format(" <code>{}</code>", escaped(held->opens_with));
    }
    html += " ";
  }
  return html;
}

std::string state_text(const VmReport& vm) {
  std::string text(to_string(vm.state));
  std::ranges::replace(text, '_', ' ');
  if (!vm.trouble.empty()) return fmt::format("{}, {}", text, vm.trouble);
  if (!vm.current || vm.vm->reason == VmReason::unknown) return text;
  std::string reason(to_string(vm.vm->reason));
  std::ranges::replace(reason, '_', ' ');
  return fmt::format("{} ({})", text, reason);
}

Tone tone_of(const VmReport& vm) {
  if (vm.up == true) return vm.trouble.empty() ? Tone::good : Tone::warn;
  if (!vm.up) return Tone::warn;
  return vm.wish && vm.wish->keep == Keep::up ? Tone::bad : Tone::plain;
}

std::string wanted_text(const VmReport& vm) {
  if (!vm.wish) return "not known yet";
  std::string text(to_string(vm.wish->keep));
  if (vm.wish->authority == Wish::Authority::mark) text += " (marked)";
  if (vm.wish->authority == Wish::Authority::config) text += " (config)";
  return text;
}

std::string vm_section(const Moment& moment, const Report& report) {
  std::string html = "<h2>VMs</h2>\n";
  if (!report.vms_known) return html + "<p>libvirt has not been read yet.</p>\n";
  const auto up =
      std::ranges::count_if(report.vms, [](const VmReport& vm) { return vm.up == true; });
  html += fmt::format("<p>{} of {} up</p>\n", up, report.vms.size());
  if (report.vms.empty()) return html;
  // What somebody should look at comes first.
  std::vector<const VmReport*> sorted;
  sorted.reserve(report.vms.size());
  for (const auto& vm : report.vms) sorted.push_back(&vm);
  std::ranges::stable_partition(sorted, [](const VmReport* vm) { return needs_a_look(*vm); });
  HtmlTable table({"VM", "State", "Wanted", "What upkeep thinks"});
  for (const auto* vm : sorted) {
    table.add({{escaped(vm->vm->name.value), Tone::name},
               {escaped(state_text(*vm)), tone_of(*vm)},
               {escaped(wanted_text(*vm))},
               {decision_html(vm->target, moment.now)}});
  }
  return html + table.html();
}

HtmlCell state_cell(const std::string& text, bool current, bool good) {
  if (!current || text.empty()) return {"unknown", Tone::warn};
  return {escaped(text), good ? Tone::good : Tone::bad};
}

/// One line a peer, or a volume of it.
void add_resource(HtmlTable& table, const ResourceReport& report, bool current, Tick now) {
  const DrbdResource& resource = *report.resource;
  std::string thinks = decision_html(report.target, now);
  if (report.split_brain) thinks = span("SPLIT BRAIN", Tone::bad) + " " + thinks;
  const HtmlCell name{escaped(resource.name.value), Tone::name};
  if (current && !resource.in_kernel) {
    table.add({name, {"down", Tone::bad}, {}, {}, {}, {thinks}});
    return;
  }
  const HtmlCell role{current ? escaped(resource.role.text) : "unknown"};
  std::string disks;
  bool good = true;
  for (const auto& device : resource.devices) {
    disks += (disks.empty() ? "" : ", ") + device.disk.text;
    good = good && device.disk == DrbdDisk::up_to_date;
  }
  const HtmlCell disk = state_cell(disks, current, good);
  if (resource.peers.empty()) table.add({name, role, disk, {}, {}, {thinks}});
  for (const auto& peer : resource.peers) {
    table.add(
        {name,
         role,
         disk,
         {escaped(peer.name.value)},
         state_cell(peer.connection.text, current, peer.connection == DrbdConnection::connected),
         {thinks}});
  }
}

std::string drbd_section(const Moment& moment, const Report& report) {
  if (!moment.snapshot->drbd_in_use) return "";
  std::string html = "<h2>DRBD</h2>\n";
  if (report.drbd == nullptr) return html + "<p>DRBD has not been read yet.</p>\n";
  const Drbd& drbd = *report.drbd;
  if (drbd.simulated) {
    html +=
        banner("Simulated", "these DRBD resources exist in the demo only; no kernel knows them.");
  }
  if (report.drbd_current && !drbd.module_loaded) {
    html += "<p class=\"warn\">The kernel module is not loaded.</p>\n";
  }
  if (report.resources.empty()) return html + "<p>No resources.</p>\n";
  HtmlTable table({"Resource", "Role", "Disk", "Peer", "Connection", "What upkeep thinks"});
  for (const auto& resource : report.resources) {
    add_resource(table, resource, report.drbd_current, moment.now);
  }
  return html + table.html();
}

std::string in_flight_section(const Moment& moment) {
  if (!moment.view || moment.view->in_flight.empty()) return "";
  std::string html = "<h2>Doing now</h2>\n<ul>\n";
  for (const auto& ticket : moment.view->in_flight) {
    html += fmt::format("<li>{} {}, since {}</li>\n", escaped(name_of(ticket.action)),
                        escaped(to_string(target_of(ticket.action))),
                        ago(moment.now - ticket.submitted));
  }
  return html + "</ul>\n";
}

std::string history_section(const Result<std::vector<HistoryEntry>>& history) {
  const std::string html = "<h2>What happened</h2>\n";
  if (!history) return html + banner("No history", history.error().message, true);
  if (history->empty()) return html + "<p>Nothing on record yet.</p>\n";
  HtmlTable table({"Time", "Target", "What"});
  for (const auto& entry : *history) {
    table.add({{escaped(cli::local_time(entry.at)), Tone::dim},
               {escaped(entry.target.empty() ? "node" : entry.target)},
               {escaped(entry.text)}});
  }
  return html + table.html();
}

constexpr std::string_view kFoot =
    "<footer><a href=\"/metrics\">metrics</a> <a href=\"/api/v1/status\">status as JSON</a> "
    "<a href=\"/-/healthy\">healthy</a> <a href=\"/-/ready\">ready</a></footer>\n"
    "</body></html>\n";

}  // namespace

std::string status_page(const Moment& moment, const Result<std::vector<HistoryEntry>>& history) {
  const Report report = report_of(moment);
  std::string html = head(moment);
  html += mode_banner(moment);
  html += pause_banners(moment);
  html += source_banners(moment, report);
  html += source_line(report);
  html += in_flight_section(moment);
  html += vm_section(moment, report);
  html += drbd_section(moment, report);
  html += history_section(history);
  html += kFoot;
  return html;
}

}  // namespace upkeep::web
