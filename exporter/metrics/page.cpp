#include "exporter/metrics/page.h"

#include <zlib.h>

#include <new>
#include <stdexcept>

namespace upkeep {
namespace {

constexpr Duration kMaxAge = std::chrono::seconds(1);

}  // namespace

std::string gzipped(std::string_view text) {
  constexpr int kGzipFormat = 16;  // Added to the window bits: gzip's header instead of zlib's.
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzipFormat, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string packed(deflateBound(&stream, text.size()), '\0');
  // zlib does not write to its input; its interface only doesn't say so.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("deflate did not finish");
  return packed;
}

std::shared_ptr<const std::string> MetricsPage::text() {
  const std::scoped_lock lock(mutex_);
  refresh();
  return text_;
}

std::shared_ptr<const std::string> MetricsPage::gzip() {
  const std::scoped_lock lock(mutex_);
  refresh();
  if (!gzip_) gzip_ = std::make_shared<const std::string>(gzipped(*text_));
  return gzip_;
}

void MetricsPage::refresh() {
  const std::uint64_t generation = source_.generation();
  const Tick now = clock_.now();
  if (text_ && generation == generation_ && now - rendered_ < kMaxAge) return;
  Exposition out;
  source_.write(out);
  text_ = std::make_shared<const std::string>(std::move(out).take());
  gzip_.reset();
  generation_ = generation;
  rendered_ = now;
}

}  // namespace upkeep
