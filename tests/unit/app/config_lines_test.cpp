#include "app/config_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace upkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

ConfigLines lines_of(const std::string& text) {
  const test::TempDir dir;
  std::ofstream(dir.path() / "upkeep.toml") << text;
  return config_lines(dir.path() / "upkeep.toml").value_or(ConfigLines{{"not", "read"}});
}

TEST(ConfigLines, AreItsValuesByTheirPath) {
  EXPECT_THAT(lines_of("mode = \"act\"\n[policy]\nstart_slots = 4\nforeign = true\n"
                       "[[vm]]\nmatch = \"db*\"\nafter = [\"dns1\", \"dns2\"]\n[[vm]]\nweight = 2\n"
                       "[[alert]]\nmatch = { severity = \"critical\" }\n"),
              ElementsAre(Pair("alert[0].match.severity", "critical"), Pair("mode", "act"),
                          Pair("policy.foreign", "true"), Pair("policy.start_slots", "4"),
                          Pair("vm[0].after", "[ 'dns1', 'dns2' ]"), Pair("vm[0].match", "db*"),
                          Pair("vm[1].weight", "2")));
}

TEST(ConfigLines, OfAFileThatCannotBeReadAreNotKnown) {
  EXPECT_THAT(lines_of("mode = "), ElementsAre(Pair("not", "read")));
  EXPECT_FALSE(config_lines("/does/not/exist"));
  EXPECT_THAT(lines_of(""), IsEmpty());
}

TEST(ConfigLines, DifferInWhatIsChangedAddedOrGone) {
  const auto before = lines_of("mode = \"observe\"\nnode = \"n1\"\n[policy]\nstart_slots = 4\n");
  const auto after = lines_of("mode = \"act\"\n[policy]\nstart_slots = 4\ntier_timeout = \"5m\"\n");
  EXPECT_THAT(
      changed_lines(before, after),
      ElementsAre(ConfigLineChange{"mode", "observe", "act"}, ConfigLineChange{"node", "n1", ""},
                  ConfigLineChange{"policy.tier_timeout", "", "5m"}));
  EXPECT_THAT(changed_lines(after, after), IsEmpty());
}

}  // namespace
}  // namespace upkeep
