#pragma once

#include <cstddef>
#include <optional>

struct mg_request_info;

namespace upkeep {

/// The socket of a request that is being answered, which civetweb keeps to itself: the one of this
/// process that is connected to the client's address and port from the port that was asked. Nothing
/// when there is none, or more than one. Good for as long as the request.
[[nodiscard]] std::optional<int> client_socket(const mg_request_info& request);

/// How many bytes can be read from the socket without waiting; 0 when that isn't known.
[[nodiscard]] std::size_t arrived_bytes(int socket);

}  // namespace upkeep
