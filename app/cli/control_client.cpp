#include "app/cli/control_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

namespace upkeep::cli {
namespace {

constexpr long kConnectMilliseconds = 2000;
constexpr long kTotalMilliseconds = 10'000;
constexpr std::size_t kLargestAnswer = std::size_t{256} << 20U;

struct EndCurl {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t collect(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > kLargestAnswer) return 0;  // curl ends the transfer
  body.append(data, size * count);
  return size * count;
}

Errc to_errc(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Errc::timed_out;
    case CURLE_WRITE_ERROR: return Errc::exhausted;
    default: return Errc::unavailable;
  }
}

Errc to_errc(long status) {
  switch (status) {
    case 400: return Errc::invalid;
    case 401: return Errc::denied;
    case 404: return Errc::not_found;
    case 409: return Errc::conflict;
    default: return Errc::failed;
  }
}

/// The API's `{"error": sentence}`, or whatever else is there.
std::string sentence_in(const nlohmann::json& body, long status) {
  if (body.is_object() && body.contains("error") && body["error"].is_string()) {
    return body["error"].get<std::string>();
  }
  return fmt::format("HTTP status {}", status);
}

}  // namespace

struct ControlClient::Request {
  std::string base;
  std::string path;
  const nlohmann::json* body = nullptr;  ///< Makes it a POST.
  bool with_token = true;
};

Result<std::string> ControlClient::token() const {
  errno = 0;
  std::ifstream file(address_.token_file);
  std::string token;
  if (!file.is_open() || !(file >> token)) {
    const int error = errno;
    if (error == ENOENT) {
      return fail(Errc::unavailable, fmt::format("{} has not run here yet: there is no token in {}",
                                                 address_.who, address_.token_file.string()));
    }
    return fail(Errc::denied,
                fmt::format("the token in {} can't be read{}", address_.token_file.string(),
                            error == EACCES ? ": permission denied; try it with sudo" : ""));
  }
  return token;
}

Result<nlohmann::json> ControlClient::get(const std::string& path) const {
  return ask({.base = address_.control_url, .path = path});
}

Result<nlohmann::json> ControlClient::post(const std::string& path,
                                           const nlohmann::json& body) const {
  return ask({.base = address_.control_url, .path = path, .body = &body});
}

Result<nlohmann::json> ControlClient::get_public(const std::string& path) const {
  return ask({.base = address_.public_url, .path = path, .with_token = false});
}

Result<nlohmann::json> ControlClient::ask(const Request& request) const {
  if (request.base.empty()) {
    return fail(Errc::unavailable, fmt::format("{} is not running", address_.who));
  }
  const std::unique_ptr<CURL, EndCurl> easy(curl_easy_init());
  std::unique_ptr<curl_slist, EndCurl> headers;
  const auto add_header = [&](const std::string& header) {
    // Appending to a list returns its unchanged head.
    curl_slist* head = curl_slist_append(headers.release(), header.c_str());
    headers.reset(head);
  };
  if (request.with_token) {
    const Result<std::string> secret = token();
    if (!secret) return std::unexpected(secret.error());
    add_header("Authorization: Bearer " + *secret);
  }
  std::string sent;
  std::string body;
  std::array<char, CURL_ERROR_SIZE> why{};
  if (request.body != nullptr) {
    sent = request.body->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    add_header("Content-Type: application/json");
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, sent.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(sent.size()));
  }
  curl_easy_setopt(easy.get(), CURLOPT_URL, (request.base + request.path).c_str());
  // Another node may be behind a proxy that speaks TLS; the token never leaves this machine.
  curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, request.with_token ? "http" : "http,https");
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");  // the token is for this machine only
  curl_easy_setopt(easy.get(), CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, kTotalMilliseconds);
  curl_easy_setopt(easy.get(), CURLOPT_USERAGENT, "upkeep");
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, why.data());
  const CURLcode code = curl_easy_perform(easy.get());
  if (code != CURLE_OK) {
    const char* reason = why.front() == '\0' ? curl_easy_strerror(code) : why.data();
    return fail(to_errc(code), code == CURLE_COULDNT_CONNECT
                                   ? fmt::format("{} is not running: nobody listens at {}",
                                                 address_.who, request.base)
                                   : fmt::format("{} does not answer: {}", address_.who, reason));
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  nlohmann::json answer = nlohmann::json::parse(body, nullptr, false);
  if (status == 200 && !answer.is_discarded()) return answer;
  if (status == 401) {
    return fail(Errc::denied, fmt::format("{} at {} refuses the token in {}", address_.who,
                                          request.base, address_.token_file.string()));
  }
  if (status == 200) {
    return fail(Errc::failed, fmt::format("what answers at {} is not upkeep", request.base));
  }
  return fail(to_errc(status), sentence_in(answer, status));
}

Result<nlohmann::json> ask_status(const ControlClient& client) {
  Result<nlohmann::json> answer = client.get("/api/v1/status");
  if (!answer && answer.error().code == Errc::denied) {
    if (Result<nlohmann::json> open = client.get_public("/api/v1/status")) return open;
  }
  return answer;
}

std::string url_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return result;
}

}  // namespace upkeep::cli
