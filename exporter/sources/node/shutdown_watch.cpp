#include "exporter/sources/node/shutdown_watch.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace upkeep {
namespace {

/// One object with one property.
struct Property {
  const char* service;
  const char* path;
  const char* interface;
  const char* name;
};

constexpr Property kLogind{.service = "org.freedesktop.login1",
                           .path = "/org/freedesktop/login1",
                           .interface = "org.freedesktop.login1.Manager",
                           .name = "PreparingForShutdown"};
constexpr Property kSystemd{.service = "org.freedesktop.systemd1",
                            .path = "/org/freedesktop/systemd1",
                            .interface = "org.freedesktop.systemd1.Manager",
                            .name = "SystemState"};

// An answer that is an error (no logind, no permission) changes nothing.

int on_signal(sd_bus_message* message, void* said, sd_bus_error* /*error*/) {
  int preparing = 0;
  if (sd_bus_message_read(message, "b", &preparing) >= 0) {
    static_cast<ShutdownWatch::Said*>(said)->logind_preparing = preparing != 0;
  }
  return 0;
}

int on_logind_answer(sd_bus_message* message, void* said, sd_bus_error* /*error*/) {
  int preparing = 0;
  if (sd_bus_message_is_method_error(message, nullptr) == 0 &&
      sd_bus_message_read(message, "v", "b", &preparing) >= 0) {
    static_cast<ShutdownWatch::Said*>(said)->logind_preparing = preparing != 0;
  }
  return 0;
}

int on_systemd_answer(sd_bus_message* message, void* said, sd_bus_error* /*error*/) {
  const char* state = nullptr;
  if (sd_bus_message_is_method_error(message, nullptr) == 0 &&
      sd_bus_message_read(message, "v", "s", &state) >= 0) {
    static_cast<ShutdownWatch::Said*>(said)->systemd_stopping =
        std::string_view(state) == "stopping";
  }
  return 0;
}

sd_bus_slot* ask_for(sd_bus* bus, const Property& property, sd_bus_message_handler_t on_answer,
                     ShutdownWatch::Said& said) {
  sd_bus_slot* slot = nullptr;
  (void)sd_bus_call_method_async(bus, &slot, property.service, property.path,
                                 "org.freedesktop.DBus.Properties", "Get", on_answer, &said, "ss",
                                 property.interface, property.name);
  return slot;
}

}  // namespace

void ShutdownWatch::CloseBus::operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
void ShutdownWatch::FreeSlot::operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }

ShutdownWatch::ShutdownWatch(std::filesystem::path root) : root_(std::move(root)) {}

ShutdownWatch::~ShutdownWatch() = default;

void ShutdownWatch::ask() {
  if (!bus_) connect();
  if (!bus_) return;
  // Dropping the slot of a question still open takes the question back.
  logind_question_.reset(ask_for(bus_.get(), kLogind, on_logind_answer, said_));
  systemd_question_.reset(ask_for(bus_.get(), kSystemd, on_systemd_answer, said_));
  take_news();
}

void ShutdownWatch::take_news() {
  int handled = bus_ ? 1 : 0;
  while (handled > 0) handled = sd_bus_process(bus_.get(), nullptr);
  if (handled < 0) disconnect();
}

bool ShutdownWatch::going_down() const {
  std::error_code ignored;
  return said_.logind_preparing || said_.systemd_stopping ||
         std::filesystem::exists(root_ / "run/upkeep/shutting-down", ignored);
}

int ShutdownWatch::fd() const { return bus_ ? sd_bus_get_fd(bus_.get()) : -1; }

short ShutdownWatch::events() const {
  const int events = bus_ ? sd_bus_get_events(bus_.get()) : 0;
  return static_cast<short>(events < 0 ? POLLIN : events);
}

void ShutdownWatch::connect() {
  const std::filesystem::path socket = root_ / "run/dbus/system_bus_socket";
  std::error_code ignored;
  if (!std::filesystem::exists(socket, ignored)) return;
  sd_bus* bus = nullptr;
  if (sd_bus_new(&bus) < 0) return;
  bus_.reset(bus);
  const std::string address = "unix:path=" + socket.string();
  sd_bus_slot* slot = nullptr;
  // Asynchronous throughout: a bus that hangs must not hang the source.
  const bool up =
      sd_bus_set_address(bus, address.c_str()) >= 0 && sd_bus_set_bus_client(bus, 1) >= 0 &&
      sd_bus_start(bus) >= 0 &&
      sd_bus_match_signal_async(bus, &slot, kLogind.service, kLogind.path, kLogind.interface,
                                "PrepareForShutdown", on_signal, nullptr, &said_) >= 0;
  signal_.reset(slot);
  if (!up) disconnect();
}

void ShutdownWatch::disconnect() {
  // What was said stays: the bus is one of the things that go down.
  logind_question_.reset();
  systemd_question_.reset();
  signal_.reset();
  bus_.reset();
}

}  // namespace upkeep
