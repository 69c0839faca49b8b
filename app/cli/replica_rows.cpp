#include "app/cli/replica_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "app/cli/json_reading.h"
#include "app/cli/json_words.h"

namespace upkeep::cli {

using nlohmann::json;

Colour good_if(bool good) { return good ? Colour::good : Colour::bad; }

void add_replica_rows(Table& table, const json& resource, PeerCells peer_cells, Cell last) {
  const std::string name = text_or(resource, "name");
  const bool down = flag_at(resource, "in_kernel") == false;
  std::vector<json> devices = list_at(resource, "devices");
  std::vector<json> peers = list_at(resource, "peers");
  if (devices.empty()) devices.emplace_back();
  if (peers.empty()) peers.emplace_back();
  for (const json& device : devices) {
    const json& volume = value_at(device, "volume");
    for (const json& peer : peers) {
      const std::string disk = text_or(device, "disk", "-");
      std::vector<Cell> row{
          {volume.is_number() ? fmt::format("{}/{}", name, volume.dump()) : name, Colour::strong},
          {down ? "down" : text_or(resource, "role"), down ? Colour::bad : Colour::none},
          {disk, disk == "-" ? Colour::none : good_if(disk == "UpToDate")}};
      for (Cell& cell : peer_cells(peer, volume)) row.push_back(std::move(cell));
      row.push_back(std::exchange(last, {}));
      table.add(std::move(row));
    }
  }
}

}  // namespace upkeep::cli
