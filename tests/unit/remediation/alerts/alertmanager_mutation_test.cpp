// What may be posted to the webhook, damaged: all of it is read, or it is refused in one line.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "remediation/alerts/alertmanager.h"
#include "tests/support/mutation.h"

namespace upkeep {
namespace {

TEST(AlertmanagerMutation, ADamagedBodyIsReadOrRefusedInOneLine) {
  const auto folder = std::filesystem::path(UPKEEP_FIXTURES) / "alertmanager";
  int read = 0;
  int refused = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".json") continue;
    std::ifstream stream(file.path(), std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    for (std::uint64_t seed = 0; seed < test::mutation_rounds(1'000); ++seed) {
      const std::string body = test::Mutator(seed).damaged(text.str());
      const auto delivery = parse_delivery(body);
      ++(delivery ? read : refused);
      if (delivery) continue;
      ASSERT_FALSE(to_string(delivery.error().reason).empty()) << body;
      ASSERT_FALSE(delivery.error().message.empty()) << body;
      ASSERT_EQ(delivery.error().message.find('\n'), std::string::npos) << body;
    }
  }
  EXPECT_GT(read, 100) << "much of a body is not looked at";
  EXPECT_GT(refused, 1'000);
}

}  // namespace
}  // namespace upkeep
