// A configuration file as a slip of the hand leaves it: it is read, or each line of the error says
// where.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/config.h"
#include "tests/support/mutation.h"

namespace upkeep {
namespace {

TEST(ConfigMutation, ADamagedFileIsReadOrItIsSaidWhereItIsWrong) {
  const auto folder = std::filesystem::path(UPKEEP_FIXTURES) / "config" / "good";
  int read = 0;
  int refused = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    std::ifstream stream(file.path(), std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    for (std::uint64_t seed = 0; seed < test::mutation_rounds(200); ++seed) {
      const auto config = parse_config(test::Mutator(seed).damaged(text.str()), "upkeep.toml");
      ++(config ? read : refused);
      if (config) continue;
      std::istringstream lines(config.error().message);
      int count = 0;
      for (std::string line; std::getline(lines, line); ++count) {
        ASSERT_TRUE(line.starts_with("upkeep.toml:"))
            << file.path() << " seed " << seed << ": " << config.error().message;
      }
      ASSERT_GT(count, 0) << file.path() << " seed " << seed;
    }
  }
  EXPECT_GT(read, 100) << "comments can be anything";
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace upkeep
