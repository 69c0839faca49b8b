#pragma once

#include <filesystem>
#include <memory>

struct sd_bus;
struct sd_bus_slot;

namespace upkeep {

/// Knows whether this node is going down: while it is, stopped guests are the node's doing.
/// Says so when the file `root`/run/upkeep/shutting-down exists, when logind announced it
/// (PrepareForShutdown) or when systemd itself is stopping (a shutdown past logind). Neither
/// /run/nologin (also there while booting) nor a shutdown scheduled for later counts. Without
/// systemd only the file. Never blocks. Owned by one thread.
class ShutdownWatch {
 public:
  explicit ShutdownWatch(std::filesystem::path root);
  ~ShutdownWatch();
  ShutdownWatch(const ShutdownWatch&) = delete;
  ShutdownWatch& operator=(const ShutdownWatch&) = delete;

  /// Asks anew; answers come as news on `fd`. Connects when there is a bus and no connection.
  void ask();
  /// Takes what has arrived.
  void take_news();
  /// What is known by now.
  [[nodiscard]] bool going_down() const;

  /// The bus's descriptor, -1 without a bus, and the poll(2) events that are news.
  [[nodiscard]] int fd() const;
  [[nodiscard]] short events() const;

  /// What was said on the bus.
  struct Said {
    bool logind_preparing = false;
    bool systemd_stopping = false;
  };

 private:
  struct CloseBus {
    void operator()(sd_bus* bus) const;
  };
  struct FreeSlot {
    void operator()(sd_bus_slot* slot) const;
  };
  using Slot = std::unique_ptr<sd_bus_slot, FreeSlot>;

  void connect();
  void disconnect();

  std::filesystem::path root_;
  Said said_;
  std::unique_ptr<sd_bus, CloseBus> bus_;
  // After the bus, so that they go first.
  Slot signal_;
  Slot logind_question_;
  Slot systemd_question_;
};

}  // namespace upkeep
