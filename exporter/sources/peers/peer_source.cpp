#include "exporter/sources/peers/peer_source.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "exporter/sources/peers/peer_facts.h"
#include "exporter/sources/peers/peer_identity.h"

namespace upkeep {
namespace {

// 62 UUIDs are 2.5 KB; ten thousand VMs on one node would fit.
constexpr std::size_t kLargestAnswer = std::size_t{512} * 1024;

struct EasyCleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiCleanup {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;
using Multi = std::unique_ptr<CURLM, MultiCleanup>;

/// One question on its way to one peer.
struct Question {
  Easy easy;
  std::string body;
  std::array<char, CURL_ERROR_SIZE> error{};
  bool answered = false;
  CURLcode code = CURLE_OK;
};

std::size_t collect(char* data, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  const std::size_t bytes = size * count;
  if (body.size() + bytes > kLargestAnswer) return 0;  // curl ends the transfer with an error
  body.append(data, bytes);
  return bytes;
}

std::unique_ptr<Question> ask(const PeerAddress& peer, std::chrono::milliseconds timeout) {
  auto question = std::make_unique<Question>();
  question->easy.reset(curl_easy_init());
  CURL* easy = question->easy.get();
  curl_easy_setopt(easy, CURLOPT_URL, (peer.url + "/api/v1/node").c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // a peer is never behind the environment's proxy
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "upkeep");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &question->body);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, question->error.data());
  return question;
}

std::unexpected<Error> about(const PeerAddress& peer, Errc code, std::string_view why) {
  return fail(code, fmt::format("peer '{}' at {}: {}", peer.name.value, peer.url, why));
}

long status_of(const Question& question) {
  long status = 0;
  curl_easy_getinfo(question.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

/// Its host is there, whatever upkeep says: a connection was made or refused.
bool was_heard(const Question& question) {
  curl_off_t connected = 0;
  long os_error = 0;
  curl_easy_getinfo(question.easy.get(), CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(question.easy.get(), CURLINFO_OS_ERRNO, &os_error);
  return connected > 0 || os_error == ECONNREFUSED;
}

Result<PeerFacts> answer_of(const Question& question, const PeerAddress& peer) {
  const auto because = [&](Errc code, std::string_view why) { return about(peer, code, why); };
  if (!question.answered) return because(Errc::timed_out, "no answer in time");
  if (question.code != CURLE_OK) {
    const char* text =
        question.error.front() == '\0' ? curl_easy_strerror(question.code) : question.error.data();
    const bool late = question.code == CURLE_OPERATION_TIMEDOUT;
    return because(late ? Errc::timed_out : Errc::unavailable, text);
  }
  if (const long status = status_of(question); status != 200) {
    return because(Errc::unavailable, fmt::format("it answered {}", status));
  }
  auto facts = parse_peer_facts(question.body);
  if (!facts) return because(facts.error().code, facts.error().message);
  return facts;
}

/// The boot that this node is in; nothing when it isn't to be compared.
using OwnBoot = Result<std::optional<BootId>>;

/// Surely not this node itself.
bool is_another_node(const PeerFacts& facts, const OwnBoot& own) {
  return own && (!*own || **own != facts.boot_id);
}

Result<PeerFacts> identified(Result<PeerFacts> facts, const PeerAddress& peer, const OwnBoot& own,
                             const std::vector<NodeName>& peers) {
  if (!facts) return facts;
  if (!own) {
    return about(peer, Errc::unavailable,
                 "whether this node itself answers there is not known: " + own.error().message);
  }
  if (const auto fault = identity_fault(*facts, peer.name, *own, peers)) {
    return about(peer, Errc::invalid, *fault);
  }
  return facts;
}

/// Older than any reading that counts as fresh.
constexpr Tick kNeverFresh = Tick{} - std::chrono::hours(24 * 365);

/// Who answers in a peer's place is no witness that a VM is not there; that it is active where the
/// answer came from may well be so. Never fresh, such a word can only hold.
void keep_claims(Peer& peer, const std::vector<VmUuid>& active) {
  if (active.empty()) return;
  if (!peer.facts.reading) peer.facts = {PeerFacts{}, kNeverFresh};
  auto& known = peer.facts.reading->active_vms;
  for (const VmUuid& uuid : active) {
    if (std::ranges::count(known, uuid) == 0) known.push_back(uuid);
  }
}

}  // namespace

PeerSource::PeerSource(PeerSourceOptions options, const Clock& clock, SourceListener& listener)
    : options_(std::move(options)), clock_(clock), listener_(listener) {
  auto peers = std::make_shared<std::vector<Peer>>();
  for (const PeerAddress& peer : options_.peers) peers->push_back(Peer{.name = peer.name});
  latest_.set(std::move(peers));
}

PeerSource::~PeerSource() {
  thread_.request_stop();
  wake_.notify_all();
}

void PeerSource::start() {
  if (options_.peers.empty()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void PeerSource::poke() {
  {
    const std::scoped_lock lock(mutex_);
    poked_ = true;
  }
  wake_.notify_all();
}

std::vector<Peer> PeerSource::latest() const { return *latest_.get(); }

void PeerSource::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Tick begun = clock_.now();
    auto peers = std::make_shared<std::vector<Peer>>(ask_all(stop));
    if (stop.stop_requested()) return;
    const bool all_answered =
        std::ranges::all_of(*peers, [](const Peer& peer) { return !peer.error.has_value(); });
    latest_.set(std::move(peers));
    listener_.read_finished(SourceKind::peers, clock_.now() - begun, all_answered);
    listener_.published(SourceKind::peers);

    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, options_.interval, [this] { return poked_; });
    poked_ = false;
  }
}

Result<std::optional<BootId>> PeerSource::own_boot() const {
  if (!options_.own_boot) return std::nullopt;
  return options_.own_boot();
}

std::vector<Peer> PeerSource::ask_all(const std::stop_token& stop) const {
  std::vector<std::unique_ptr<Question>> questions;
  const Multi multi(curl_multi_init());
  for (const PeerAddress& peer : options_.peers) {
    questions.push_back(ask(peer, options_.timeout));
    curl_multi_add_handle(multi.get(), questions.back()->easy.get());
  }

  const Tick asked_at = clock_.now();  // an answer is at least as old as its question
  const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
  int running = 1;
  while (running > 0 && !stop.stop_requested() && std::chrono::steady_clock::now() < deadline) {
    curl_multi_perform(multi.get(), &running);
    if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, 100, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    const auto asked = std::ranges::find_if(
        questions, [&](const auto& q) { return q->easy.get() == message->easy_handle; });
    if (asked == questions.end()) continue;
    (*asked)->answered = true;
    (*asked)->code = message->data.result;
  }

  std::vector<Peer> peers = latest();
  const OwnBoot own = own_boot();
  std::vector<NodeName> names;
  for (const Peer& peer : peers) names.push_back(peer.name);
  std::vector<Result<PeerFacts>> answers;
  std::vector<std::vector<VmUuid>> claims(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    curl_multi_remove_handle(multi.get(), questions[i]->easy.get());
    if (was_heard(*questions[i])) peers[i].heard = asked_at;
    const PeerAddress& peer = options_.peers[i];
    auto said = answer_of(*questions[i], peer);
    if (said && is_another_node(*said, own)) claims[i] = said->active_vms;
    answers.push_back(identified(std::move(said), peer, own, names));
  }
  const auto twins = twins_among(answers, peers, asked_at);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Result<PeerFacts>& facts = answers[i];
    if (twins[i]) {
      facts = about(options_.peers[i], Errc::invalid,
                    fmt::format("the node that answers there also answers as peer '{}': one of "
                                "the two URLs is wrong",
                                twins[i]->value));
    }
    Peer& peer = peers[i];
    if (facts) {
      peer.facts = {std::move(facts), asked_at};
      peer.error.reset();
    } else {
      peer.error = facts.error();
      // What it said last stays, with its age: a VM it ran may still be running there.
      if (!peer.facts.reading) peer.facts.reading = std::unexpected(facts.error());
      keep_claims(peer, claims[i]);
    }
  }
  return peers;
}

}  // namespace upkeep
