#include "exporter/http/message.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

TEST(AcceptEncoding, DecidesForGzipOnlyWhenItIsAskedFor) {
  EXPECT_FALSE(wants_gzip(""));
  EXPECT_FALSE(wants_gzip("deflate, br"));
  EXPECT_TRUE(wants_gzip("gzip"));
  EXPECT_TRUE(wants_gzip("deflate, GZIP"));
  EXPECT_TRUE(wants_gzip("x-gzip"));
  EXPECT_TRUE(wants_gzip("gzip;q=1.0, *;q=0.5"));
  EXPECT_TRUE(wants_gzip("*"));
  EXPECT_FALSE(wants_gzip("not-gzip"));
}

TEST(AcceptEncoding, HonoursQualities) {
  EXPECT_FALSE(wants_gzip("gzip;q=0"));
  EXPECT_FALSE(wants_gzip("gzip; q=0.000, *;q=1")) << "the word beats the star";
  EXPECT_TRUE(wants_gzip("gzip ; q=0.1"));
  EXPECT_FALSE(wants_gzip("gzip;q=0.5, identity;q=0.9"));
  EXPECT_TRUE(wants_gzip("gzip;q=0.9, identity;q=0.5"));
  EXPECT_FALSE(wants_gzip("*;q=0"));
  EXPECT_FALSE(wants_gzip("gzip;q=banana"));
}

TEST(Authorization, WantsTheBearerToken) {
  EXPECT_TRUE(is_authorized("Bearer s3cret", "s3cret"));
  EXPECT_TRUE(is_authorized("bearer  s3cret ", "s3cret"));
  EXPECT_FALSE(is_authorized("", "s3cret"));
  EXPECT_FALSE(is_authorized("Bearer", "s3cret"));
  EXPECT_FALSE(is_authorized("Bearer ", "s3cret"));
  EXPECT_FALSE(is_authorized("Bearer s3cre", "s3cret"));
  EXPECT_FALSE(is_authorized("Bearer s3crets", "s3cret"));
  EXPECT_FALSE(is_authorized("Bearer S3cret", "s3cret"));
  EXPECT_FALSE(is_authorized("Basic s3cret", "s3cret"));
  EXPECT_FALSE(is_authorized("Bearer s3crets3cret", "s3cret"));
}

TEST(Authorization, NeverMatchesAnEmptyToken) {
  EXPECT_FALSE(is_authorized("Bearer ", ""));
  EXPECT_FALSE(is_authorized("", ""));
}

TEST(ContentLength, IsDigitsOnly) {
  EXPECT_EQ(content_length("0"), 0U);
  EXPECT_EQ(content_length("1048576"), 1048576U);
  EXPECT_EQ(content_length("5x"), std::nullopt);
  EXPECT_EQ(content_length("-1"), std::nullopt);
  EXPECT_EQ(content_length("+1"), std::nullopt);
  EXPECT_EQ(content_length(""), std::nullopt);
  EXPECT_EQ(content_length("99999999999999999999999"), std::nullopt);
}

TEST(Query, IsDecoded) {
  const HttpRequest request{.query = "target=vm%2Fweb+1&limit=5&empty=&%6Eame=x&odd%zz"};
  EXPECT_EQ(request.parameter("target"), "vm/web 1");
  EXPECT_EQ(request.parameter("limit"), "5");
  EXPECT_EQ(request.parameter("empty"), "");
  EXPECT_EQ(request.parameter("name"), "x");
  EXPECT_EQ(request.parameter("odd%zz"), "");
  EXPECT_EQ(request.parameter("gone"), std::nullopt);
  EXPECT_EQ(HttpRequest{}.parameter("x"), std::nullopt);
}

}  // namespace
}  // namespace upkeep
