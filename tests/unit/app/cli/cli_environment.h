#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "exporter/http/server.h"
#include "tests/support/temp_dir.h"

namespace upkeep::cli {

/// A control listener as a daemon has it, with the token that `CliTest` leaves for the command.
inline constexpr const char* kControlToken = "0123456789abcdef0123456789abcdef";

[[nodiscard]] inline std::unique_ptr<HttpServer> start_control(std::vector<HttpRoute> routes) {
  HttpOptions options;
  options.token = [] { return kControlToken; };
  auto started = HttpServer::start(std::move(options), std::move(routes));
  EXPECT_TRUE(started.has_value()) << started.error().message;
  return started ? std::move(*started) : nullptr;
}

/// A command's surroundings: a configuration, a token, anna behind sudo, and no other daemon of
/// this machine to be found.
class CliTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(setenv("UPKEEP_RUNTIME_DIR", (dir_.path() / "run").c_str(), 1), 0);
    ASSERT_EQ(setenv("SUDO_USER", "anna", 1), 0);
    unsetenv("UPKEEP_CONFIG");
    std::ofstream(dir_.path() / "token") << kControlToken << "\n";
    configure(1);  // nobody listens on port 1
  }
  void TearDown() override {
    unsetenv("UPKEEP_RUNTIME_DIR");
    unsetenv("SUDO_USER");
  }

  void configure(int control_port) {
    std::ofstream(dir_.path() / "upkeep.toml")
        << fmt::format("[http]\ncontrol_listen = \"127.0.0.1:{}\"\n[journal]\npath = \"{}\"\n",
                       control_port, (dir_.path() / "upkeep.db").string());
  }

  test::TempDir dir_;
  std::ostringstream out_, err_;
};

}  // namespace upkeep::cli
