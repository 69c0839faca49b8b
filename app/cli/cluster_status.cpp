#include "app/cli/cluster_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>
#include <vector>

#include "app/cli/control_client.h"
#include "app/cli/daemon_address.h"
#include "app/cli/daemon_talk.h"
#include "app/cli/exit_code.h"
#include "app/cli/json_reading.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;

json entry(const std::string& name, const std::string& url, const Result<json>& answer) {
  json out{{"name", name}, {"url", url}, {"error", nullptr}, {"status", nullptr}};
  if (!answer) {
    out["error"] = answer.error().message;
  } else if (!text_at(*answer, "node")) {
    out["error"] = "what it answers is no status of upkeep's";
  } else {
    out["status"] = *answer;
  }
  return out;
}

json ask_here(const DaemonAddress& address) {
  return entry(node_name(address.config).value, address.public_url,
               ask_status(ControlClient(address)));
}

json ask_peer(const PeerConfig& peer) {
  DaemonAddress address;
  address.public_url = peer.url;
  address.who = "upkeep on " + peer.name.value;
  return entry(peer.name.value, peer.url, ControlClient(address).get_public("/api/v1/status"));
}

json ask_all(const DaemonAddress& here) {
  std::vector<std::future<json>> answers;
  answers.push_back(std::async(std::launch::async, [&] { return ask_here(here); }));
  for (const PeerConfig& peer : here.config.peers) {
    answers.push_back(std::async(std::launch::async, [&peer] { return ask_peer(peer); }));
  }
  json nodes = json::array();
  for (auto& answer : answers) nodes.push_back(answer.get());
  return {{"nodes", std::move(nodes)}};
}

}  // namespace

int show_cluster(const CommandLine& line, Output& output) {
  const Result<DaemonAddress> address = find_daemon(line, running_instances());
  if (!address) return failed_to_find(output, address.error());
  const json cluster = ask_all(*address);
  if (line.json) {
    output.out << cluster.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  } else {
    output.out << render_cluster(cluster, output.out_style);
  }
  if (address->config.peers.empty()) {
    output.err << painted("upkeep: this is one node: the configuration has no [[peer]]",
                          Colour::warning, output.err_style)
               << '\n';
  }
  const auto nodes = list_at(cluster, "nodes");
  const bool all = std::ranges::all_of(
      nodes, [](const json& node) { return value_at(node, "status").is_object(); });
  return all ? kOk : kFailed;
}

}  // namespace upkeep::cli
