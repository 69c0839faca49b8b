#include "exporter/http/server.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace upkeep {
namespace {

using namespace std::chrono_literals;

struct Answer {
  long status = 0;
  std::string head, body;

  [[nodiscard]] bool has(std::string_view header) const {
    return head.find(header) != std::string::npos;
  }
};

struct Ask {
  std::string method = "GET";
  std::string path;
  std::vector<std::string> headers;
  std::string body;
};

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

Answer ask(const HttpServer& server, const Ask& ask) {
  CURL* curl = curl_easy_init();
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + ask.path;
  curl_slist* headers = nullptr;
  for (const auto& header : ask.headers) headers = curl_slist_append(headers, header.c_str());
  Answer answer;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer.head);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  if (ask.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (ask.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(ask.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask.body.data());
  } else {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
  }
  const CURLcode code = curl_easy_perform(curl);
  EXPECT_EQ(code, CURLE_OK) << ask.method << " " << ask.path << ": " << curl_easy_strerror(code);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return answer;
}

/// A bare connection, for what curl is too polite to send.
class Connection {
 public:
  struct From {
    const char* source = "127.0.0.1";
    bool narrow = false;  ///< Small segments and a small buffer, so that little is under way.
  };

  explicit Connection(const HttpServer& server) : Connection(server, From{}) {}
  Connection(const HttpServer& server, From from) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, from.source, &address.sin_addr), 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const int small = 4096;
    const int segment = 536;
    if (from.narrow) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
      ::setsockopt(fd_, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    }
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  bool send(std::string_view text) const {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  /// Everything until the other side closes.
  [[nodiscard]] std::string rest() const {
    std::string all;
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = ::recv(fd_, buffer.data(), buffer.size(), 0)) > 0) {
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  /// Reads so many bytes at most; how many there were, 0 at the end.
  [[nodiscard]] std::size_t read(std::size_t most) const {
    std::string buffer(most, '\0');
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  /// Something arrived, or the end.
  [[nodiscard]] bool readable() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }

 private:
  int fd_;
};

/// More than all buffers on the way hold.
const std::string kLarge(std::size_t{24} << 20U, 'x');

std::string s3cret() { return "s3cret"; }

class Server : public testing::Test {
 protected:
  std::unique_ptr<HttpServer> start(HttpOptions options = {}) {
    options.handler_failed = [this](std::string_view path, std::string_view what) {
      failure = std::string(path) + ": " + std::string(what);
    };
    auto started = HttpServer::start(std::move(options), routes());
    EXPECT_TRUE(started) << started.error().message;
    return std::move(*started);
  }

  std::vector<HttpRoute> routes() {
    const auto page = [](const HttpRequest& request) {
      HttpResponse response = text_response(200, "the page " + request.query);
      response.headers.emplace_back("X-Test", "yes");
      if (request.accepts_gzip) response.headers.emplace_back("X-Gzip", "wanted");
      return response;
    };
    const auto echo = [this](const HttpRequest& request) {
      ++posts;
      return text_response(200, request.body);
    };
    return {{.path = "/metrics", .handler = page},
            {.path = "/", .handler = page},
            {.path = "/both", .handler = page},
            {.method = HttpMethod::post, .path = "/both", .handler = echo},
            {.method = HttpMethod::post, .path = "/post", .handler = echo},
            {.path = "/large",
             .handler = [](const HttpRequest&) { return text_response(200, kLarge); }},
            {.path = "/bug", .handler = [](const HttpRequest&) -> HttpResponse {
               throw std::runtime_error("oops");
             }}};
  }

  std::atomic<int> posts = 0;
  std::string failure;
};

TEST_F(Server, AnswersOnAFreePort) {
  const auto server = start();
  EXPECT_NE(server->port(), 0);
  const Answer answer = ask(*server, {.path = "/metrics?x=1"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "the page x=1");
  EXPECT_TRUE(answer.has("X-Test: yes"));
  EXPECT_TRUE(answer.has("Content-Type: text/plain; charset=utf-8\r\n")) << answer.head;
  EXPECT_TRUE(answer.has("Content-Length: 12\r\n"));
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
}

TEST_F(Server, AnswersHeadWithoutTheBody) {
  const auto server = start();
  const Answer answer = ask(*server, {.method = "HEAD", .path = "/metrics"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(answer.has("Content-Length: 9\r\n")) << "the length GET would have";
}

TEST_F(Server, MatchesPathsExactly) {
  const auto server = start();
  for (const char* path : {"/metricsfoo", "/metrics/", "/metrics/sub", "/Metrics", "/nothing",
                           "/metrics$", "/*", "/post/x"}) {
    EXPECT_EQ(ask(*server, {.path = path}).status, 404) << path;
  }
  EXPECT_EQ(ask(*server, {.path = "/"}).status, 200);
  EXPECT_EQ(ask(*server, {.path = "/%6Detrics"}).status, 200) << "decoded first";
  EXPECT_EQ(ask(*server, {.path = "/etc/../metrics"}).status, 200) << "cleaned first";
}

TEST_F(Server, SaysWhichMethodsAPathHas) {
  const auto server = start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const Answer answer = ask(*server, {.method = method, .path = "/metrics"});
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_TRUE(answer.has("Allow: GET, HEAD\r\n")) << method << "\n" << answer.head;
  }
  EXPECT_TRUE(ask(*server, {.path = "/post"}).has("Allow: POST\r\n"));
  EXPECT_TRUE(ask(*server, {.method = "PUT", .path = "/both"}).has("Allow: GET, HEAD, POST\r\n"));
  EXPECT_EQ(ask(*server, {.method = "POST", .path = "/both", .body = "x"}).body, "x");
}

TEST_F(Server, TellsHandlersWhoWantsGzip) {
  const auto server = start();
  EXPECT_FALSE(ask(*server, {.path = "/metrics"}).has("X-Gzip"));
  EXPECT_TRUE(
      ask(*server, {.path = "/metrics", .headers = {"Accept-Encoding: gzip"}}).has("X-Gzip"));
}

TEST_F(Server, TurnsAnExceptionInto500AndReportsIt) {
  const auto server = start();
  const Answer answer = ask(*server, {.path = "/bug"});
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("oops"), std::string::npos) << "particulars are for the log";
  EXPECT_EQ(failure, "/bug: oops");
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 200) << "it lives on";
}

TEST_F(Server, ReadsBodies) {
  const auto server = start();
  EXPECT_EQ(ask(*server, {.method = "POST", .path = "/post", .body = ""}).body, "");
  std::string large(300'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 26);
  EXPECT_EQ(ask(*server, {.method = "POST", .path = "/post", .body = large}).body, large);
}

TEST_F(Server, AnswersAClientThatWaitsFor100Continue) {
  const auto server = start();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(
      ask(*server,
          {.method = "POST", .path = "/post", .headers = {"Expect: 100-continue"}, .body = "hello"})
          .body,
      "hello");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 900ms) << "curl gives up waiting after 1 s";
}

TEST_F(Server, RefusesALargeBodyBeforeItComes) {
  const auto server = start({.body_limit = 1000});
  EXPECT_EQ(
      ask(*server, {.method = "POST", .path = "/post", .body = std::string(1000, 'x')}).status,
      200);
  EXPECT_EQ(
      ask(*server, {.method = "POST", .path = "/post", .body = std::string(1001, 'x')}).status,
      413);
  const auto impatient = start({.idle_timeout = 400ms, .body_limit = 1000});
  const Connection connection(*impatient);
  connection.send("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(connection.rest().substr(0, 12), "HTTP/1.1 413") << "not a byte was sent";
  EXPECT_EQ(posts, 1);
}

TEST_F(Server, TellsOneThatIsStillSendingWhyItIsRefused) {
  const auto server = start({.body_limit = 1000});
  const std::string half(100'000, 'x');
  const Connection connection(*server);
  connection.send("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + half);
  const auto begun = std::chrono::steady_clock::now();
  while (!connection.readable()) {
    ASSERT_LT(std::chrono::steady_clock::now() - begun, 10s) << "no answer before all has come";
    std::this_thread::sleep_for(5ms);
  }
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(connection.send(half));
  EXPECT_EQ(connection.rest().substr(0, 12), "HTTP/1.1 413");
}

TEST_F(Server, RefusesBodiesOfUnclearLength) {
  const auto server = start();
  const auto status = [&](std::string_view headers) {
    const Connection connection(*server);
    connection.send("POST /post HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n");
    return connection.rest().substr(9, 3);
  };
  EXPECT_EQ(status(""), "411");
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\n"), "411");
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), "411");
  EXPECT_EQ(status("Content-Length: 5x\r\n"), "400");
  EXPECT_EQ(status("Content-Length: 3\r\nContent-Length: 4\r\n"), "400");
  EXPECT_EQ(posts, 0);
}

TEST_F(Server, EndsABodyThatDrips) {
  const auto server = start({.threads = 1, .idle_timeout = 400ms, .body_deadline = 300ms});
  const Connection connection(*server);
  connection.send("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
  const auto begun = std::chrono::steady_clock::now();
  // A byte now and then, as long as the server listens: each one alone is in time.
  while (!connection.readable() && connection.send("x")) std::this_thread::sleep_for(20ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
  EXPECT_EQ(connection.rest().substr(0, 12), "HTTP/1.1 408");
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 200) << "its only thread is free again";
  EXPECT_EQ(posts, 0);
}

TEST_F(Server, EndsABodyThatDripsAfterMostOfItCameAtOnce) {
  const auto server = start({.threads = 1, .idle_timeout = 400ms, .body_deadline = 300ms});
  const Connection connection(*server);
  connection.send("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 100500\r\n\r\n");
  connection.send(std::string(100'000, 'x'));
  while (!connection.readable() && connection.send("x")) std::this_thread::sleep_for(20ms);
  EXPECT_EQ(connection.rest().substr(0, 12), "HTTP/1.1 408");
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 200) << "its only thread is free again";
  EXPECT_EQ(posts, 0);
}

TEST_F(Server, DropsAClientThatReadsTooSlowly) {
  const auto server = start({.threads = 1, .answer_deadline = 200ms});
  const Connection slow(*server, {.narrow = true});
  slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  std::size_t read = 0;
  // Never silent for as long as the idle timeout, so that only the deadline ends it.
  while (const std::size_t more = slow.read(4096)) {
    read += more;
    std::this_thread::sleep_for(2ms);
  }
  EXPECT_GT(read, 0U);
  EXPECT_LT(read, kLarge.size());
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 200) << "its only thread is free again";
}

TEST_F(Server, SendsALargeAnswerWhole) {
  const auto server = start();
  EXPECT_EQ(ask(*server, {.path = "/large"}).body, kLarge);
  const Connection narrow(*server, {.narrow = true});
  narrow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_GT(narrow.rest().size(), kLarge.size()) << "head and body";
}

TEST_F(Server, WantsTheTokenBeforeAnythingElse) {
  const auto server = start({.token = s3cret});
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 401);
  EXPECT_EQ(ask(*server, {.path = "/nothing"}).status, 401) << "it doesn't even say what is there";
  const Answer wrong = ask(*server, {.path = "/metrics", .headers = {"Authorization: Bearer no"}});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_TRUE(wrong.has("WWW-Authenticate: Bearer\r\n"));
  EXPECT_EQ(ask(*server, {.path = "/metrics", .headers = {"Authorization: Bearer s3cret"}}).status,
            200);
}

TEST_F(Server, TakesTheTokenOfTheMoment) {
  std::mutex mutex;
  std::string token = "first";
  HttpOptions options;
  options.token = [&] {
    const std::scoped_lock lock(mutex);
    return token;
  };
  const auto server = start(std::move(options));
  const auto status = [&](const std::string& given) {
    return ask(*server, {.path = "/metrics", .headers = {"Authorization: Bearer " + given}}).status;
  };
  EXPECT_EQ(status("first"), 200);
  const auto change = [&](std::string_view to) {
    const std::scoped_lock lock(mutex);
    token = to;
  };
  change("second");
  EXPECT_EQ(status("first"), 401);
  EXPECT_EQ(status("second"), 200);
  change("");
  EXPECT_EQ(status(""), 401) << "no token lets nobody in, not everybody";
}

TEST_F(Server, TellsOfEachAnswerAlsoOfThoseBeforeTheHandler) {
  std::mutex mutex;
  std::vector<std::string> answers;
  HttpOptions options;
  options.token = [] { return "0123456789abcdef"; };
  options.body_limit = std::size_t{1} << 20U;
  options.answered = [&](std::string_view path, int status) {
    const std::scoped_lock lock(mutex);
    answers.push_back(std::string(path) + " " + std::to_string(status));
  };
  const auto server = start(std::move(options));
  const std::string token = "Authorization: Bearer 0123456789abcdef";
  const std::string whole(std::size_t{1} << 20U, 'x');
  ask(*server, {.method = "POST", .path = "/post", .body = "x"});
  ask(*server, {.method = "POST", .path = "/post", .headers = {token}, .body = whole});
  ask(*server, {.method = "POST", .path = "/post", .headers = {token}, .body = whole + "x"});
  ask(*server, {.path = "/post", .headers = {token}});
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(answers,
            (std::vector<std::string>{"/post 401", "/post 200", "/post 413", "/post 405"}));
}

TEST_F(Server, TellsOfBodiesThatItDidNotReadOfClientsWithTheToken) {
  std::mutex mutex;
  std::vector<std::string> told;
  HttpOptions options;
  options.token = s3cret;
  options.body_limit = 1000;
  options.idle_timeout = 200ms;
  options.body_refused = [&](std::string_view path, BodyFault fault, std::string_view why) {
    const std::scoped_lock lock(mutex);
    told.push_back(std::string(path) + " " + std::to_string(static_cast<int>(fault)) + " " +
                   std::string(why));
  };
  const auto server = start(std::move(options));
  const auto status = [&](const std::string& headers, const std::string& body = "") {
    const Connection connection(*server);
    connection.send("POST /post HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body);
    return connection.rest().substr(9, 3);
  };
  const std::string token = "Authorization: Bearer s3cret\r\n";
  const std::vector<std::pair<std::string, std::string>> bad{
      {"", "411"},
      {"Transfer-Encoding: chunked\r\n", "411"},
      {"Content-Length: 5x\r\n", "400"},
      {"Content-Length: 3\r\nContent-Length: 4\r\n", "400"},
      {"Content-Length: 1001\r\n", "413"},
      {"Content-Length: 10\r\n", "408"}};
  for (const auto& [headers, code] : bad) {
    EXPECT_EQ(status(headers, "abc"), "401");
    EXPECT_EQ(status(token + headers, "abc"), code) << headers;
  }
  EXPECT_EQ(status(token + "Content-Length: 3\r\n", "abc"), "200");
  const auto line = [](BodyFault fault, const std::string& why) {
    return "/post " + std::to_string(static_cast<int>(fault)) + " " + why;
  };
  const std::string no_length = line(BodyFault::no_length,
                                     "say Content-Length; chunked bodies "
                                     "are not read");
  const std::string unclear = line(BodyFault::unclear_length, "Content-Length is not one number");
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(told, (std::vector<std::string>{
                      no_length, no_length, unclear, unclear,
                      line(BodyFault::too_large, "the body may have 1000 bytes"),
                      line(BodyFault::too_slow, "the body did not arrive in time")}));
}

TEST_F(Server, RefusesInThePathsLanguage) {
  const auto server = start({.token = s3cret});
  const Answer api = ask(*server, {.path = "/api/v1/status"});
  EXPECT_EQ(api.body, "{\"error\":\"this listener wants the token\"}\n");
  EXPECT_TRUE(api.has("Content-Type: application/json; charset=utf-8\r\n"));
  const Answer page = ask(*server, {.path = "/metrics"});
  EXPECT_EQ(page.body, "this listener wants the token\n");
  EXPECT_TRUE(page.has("Content-Type: text/plain; charset=utf-8\r\n"));
}

TEST_F(Server, WantsTheTokenBeforeTheBody) {
  const auto server = start({.token = s3cret, .threads = 1, .idle_timeout = 400ms});
  const Connection connection(*server);
  connection.send("POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  EXPECT_EQ(connection.rest().substr(0, 12), "HTTP/1.1 401") << "answered without the other bytes";
  EXPECT_EQ(posts, 0);
}

TEST_F(Server, SaysThatAPortIsTaken) {
  const auto first = start();
  const std::string address = "127.0.0.1:" + std::to_string(first->port());
  const auto second = HttpServer::start({.listen = address}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::unavailable);
  EXPECT_NE(second.error().message.find(address), std::string::npos);
  EXPECT_NE(second.error().message.find("another program"), std::string::npos)
      << second.error().message;
}

TEST_F(Server, SaysThatAnAddressIsNotHere) {
  const auto server = HttpServer::start({.listen = "192.0.2.1:0"}, {});
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("192.0.2.1"), std::string::npos);
  EXPECT_NE(server.error().message.find("assign"), std::string::npos) << server.error().message;
}

TEST_F(Server, RefusesWhatItCannotServe) {
  EXPECT_EQ(HttpServer::start({.listen = "[::1]:0"}, {}).error().code, Errc::invalid);
  EXPECT_EQ(HttpServer::start({.listen = "127.0.0.1:0s"}, {}).error().code, Errc::invalid);
}

TEST_F(Server, RefusesAnOpenControlListener) {
  const auto open = HttpServer::start({.listen = "0.0.0.0:0", .token = s3cret}, {});
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().message.find("allow_from"), std::string::npos);
  EXPECT_TRUE(HttpServer::start(
      {.listen = "0.0.0.0:0", .token = s3cret, .allow_from = {"10.0.0.0/24"}}, {}));
}

TEST_F(Server, HangsUpOnWhoIsInNoneOfTheAllowedNetworks) {
  const auto status = [](const HttpServer& server, const char* source) {
    const Connection connection(server, {.source = source});
    connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    return connection.rest().substr(0, 12);
  };
  const auto one = start({.allow_from = {"127.0.0.2"}});
  EXPECT_EQ(status(*one, "127.0.0.2"), "HTTP/1.1 200");
  EXPECT_EQ(status(*one, "127.0.0.1"), "");
  EXPECT_EQ(status(*one, "127.0.0.3"), "");

  const auto network = start({.allow_from = {"10.0.0.0/24", "127.0.4.0/30"}});
  EXPECT_EQ(status(*network, "127.0.4.3"), "HTTP/1.1 200");
  EXPECT_EQ(status(*network, "127.0.4.4"), "") << "the first address behind the network";
  EXPECT_EQ(status(*network, "127.0.3.255"), "");

  const auto open = start();
  EXPECT_EQ(status(*open, "127.0.0.3"), "HTTP/1.1 200") << "without a list: everybody";
}

TEST_F(Server, WantsTheTokenAlsoFromAnAllowedNetwork) {
  const auto server = start({.token = s3cret, .allow_from = {"127.0.0.0/8"}});
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 401);
}

TEST_F(Server, StopsWithoutDelay) {
  auto server = start();
  EXPECT_EQ(ask(*server, {.path = "/metrics"}).status, 200);
  const auto begun = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1500ms) << "civetweb itself takes 2 s";
}

TEST_F(Server, AnswersManyAtOnce) {
  const auto server = start({.threads = 8});
  std::atomic<int> good = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int j = 0; j < 10; ++j) {
        if (ask(*server, {.path = "/metrics"}).status == 200) ++good;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(good, 80);
}

}  // namespace
}  // namespace upkeep
