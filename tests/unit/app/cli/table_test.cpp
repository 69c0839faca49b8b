#include "app/cli/table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace upkeep::cli {
namespace {

TEST(Table, AlignsAndNeverPadsTheEnd) {
  Table table({"VM", "STATE", "DECISION"});
  table.add({{"web1"}, {"running"}, {""}});
  table.add({{"database"}, {"off"}, {"starting"}});
  EXPECT_EQ(table.text({.colour = false}),
            "VM        STATE    DECISION\n"
            "web1      running\n"
            "database  off      starting\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"VM", "X"});
  table.add({{"knödel"}, {"a"}});
  table.add({{"web123"}, {"b"}});
  EXPECT_EQ(table.text({.colour = false}), "VM      X\nknödel  a\nweb123  b\n");
}

TEST(Table, ColoursDoNotMoveColumns) {
  Table table({"VM", "X"});
  table.add({{"a", Colour::good}, {"1"}});
  EXPECT_EQ(table.text({.colour = true}),
            "\033[2mVM\033[0m  \033[2mX\033[0m\n\033[32ma\033[0m   1\n");
}

TEST(Table, FillsShortRows) {
  Table table({"A", "B"});
  table.add({{"1"}});
  EXPECT_EQ(table.text({.colour = false}), "A  B\n1\n");
}

TEST(Table, LetsNoNameMoveTheCursor) {
  Table table({"VM"});
  table.add({{"web\033[2J1\nweb2\r\x7f"}});
  EXPECT_EQ(table.text({.colour = false}), "VM\nweb?[2J1 web2??\n");
}

TEST(Printable, KeepsTextAndDropsControls) {
  EXPECT_EQ(printable("für → alle"), "für → alle");
  EXPECT_EQ(printable("a\tb\nc"), "a b c");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");  // U+009B is a terminal's "escape ["
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a?b");
}

TEST(Painted, IsPlainWithoutColours) {
  EXPECT_EQ(painted("x", Colour::bad, {.colour = false}), "x");
  EXPECT_EQ(painted("x", Colour::bad, {.colour = true}), "\033[31mx\033[0m");
  EXPECT_EQ(painted("", Colour::bad, {.colour = true}), "");
  EXPECT_EQ(painted("x", Colour::none, {.colour = true}), "x");
}

/// A terminal of our own, since the test's output may be a pipe.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    if (master_ >= 0 && grantpt(master_) == 0 && unlockpt(master_) == 0) {
      slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    }
  }
  ~Terminal() {
    close(slave_);
    close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  [[nodiscard]] int fd() const { return slave_; }

 private:
  int master_ = -1, slave_ = -1;
};

TEST(Style, IsColouredOnATerminalOnly) {
  const Terminal terminal;
  if (terminal.fd() < 0) GTEST_SKIP() << "no pseudo terminals here";
  unsetenv("NO_COLOR");
  setenv("TERM", "xterm", 1);
  EXPECT_TRUE(style_for(terminal.fd()).colour);
  setenv("NO_COLOR", "", 1);  // empty is as good as unset, says no-color.org
  EXPECT_TRUE(style_for(terminal.fd()).colour);
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(style_for(terminal.fd()).colour);
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  EXPECT_FALSE(style_for(terminal.fd()).colour);
  setenv("TERM", "xterm", 1);
  int ends[2] = {-1, -1};
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_FALSE(style_for(ends[1]).colour);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace upkeep::cli
