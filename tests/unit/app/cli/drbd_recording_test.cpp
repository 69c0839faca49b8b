#include "app/cli/drbd_recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "app/cli/exit_code.h"
#include "tests/support/temp_dir.h"

namespace upkeep::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class DrbdRecording : public ::testing::Test {
 protected:
  int parse_file(const std::string& file, bool json = false) {
    out_.str("");
    err_.str("");
    Output output{out_, err_, {}, {}};
    return parse_recording({file}, json, output);
  }
  int parse(const std::string& text, bool json = false) {
    std::ofstream(dir_ / "stream") << text;
    return parse_file(dir_ / "stream", json);
  }
  static std::string fixture(const std::string& name) {
    return std::filesystem::path(UPKEEP_FIXTURES) / "drbd" / name;
  }

  test::TempDir dir_;
  std::ostringstream out_, err_;
};

const std::string kSplitBrain84 =
    "# origin: 8.4.11\n"
    "2026-11-22T12:54:19.000000+00:00 exists resource name:r0 role:Primary suspended:no\n"
    "2026-11-22T12:54:19.000000+00:00 exists device name:r0 volume:0 minor:10 disk:UpToDate\n"
    "2026-11-22T12:54:19.000000+00:00 exists -\n"
    "2026-11-22T12:54:20.777861+00:00 create connection name:r0 peer-node-id:0 conn-name:peer "
    "connection:StandAlone role:Unknown\n"
    "2026-11-22T12:54:20.782537+00:00 change connection name:r0 peer-node-id:0 conn-name:peer "
    "connection:Unconnected\n"
    "2026-11-22T12:54:23.679288+00:00 change connection name:r0 peer-node-id:0 conn-name:peer "
    "connection:Connected\n"
    "2026-11-22T12:54:24.063307+00:00 call helper name:r0 peer-node-id:0 conn-name:peer volume:0 "
    "minor:10 helper:split-brain\n"
    "2026-11-22T12:54:24.311753+00:00 change connection name:r0 peer-node-id:0 conn-name:peer "
    "connection:Disconnecting\n"
    "2026-11-22T12:54:24.335624+00:00 change connection name:r0 peer-node-id:0 conn-name:peer "
    "connection:StandAlone\n"
    "2026-11-22T12:54:24.336492+00:00 destroy connection name:r0 peer-node-id:0 conn-name:peer\n";

TEST_F(DrbdRecording, ShowsWhatAStreamOf84ComesTo) {
  EXPECT_EQ(parse(kSplitBrain84), kOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("r0/0      Primary  UpToDate  peer  StandAlone  Unknown"));
  EXPECT_THAT(out_.str(), HasSubstr("r0: SPLIT BRAIN"));
  EXPECT_THAT(out_.str(), HasSubstr("cause split_brain"));
  EXPECT_THAT(out_.str(), EndsWith("\nunparsed: 0\n"));
}

TEST_F(DrbdRecording, ANewDumpForgetsWhatItDoesNotName) {
  EXPECT_EQ(parse(kSplitBrain84 +
                  "2026-11-22T12:55:00.000000+00:00 exists resource name:r9 role:Secondary "
                  "suspended:no\nexists -\n"),
            kOk);
  EXPECT_THAT(out_.str(), HasSubstr("\nr9 "));
  EXPECT_THAT(out_.str(), ::testing::Not(HasSubstr("\nr0")));
}

TEST_F(DrbdRecording, UnderstandsEveryLineOfTheRecordedStreamsOf9) {
  for (const char* name : {"drbd92-events2.txt", "drbd92-events2-full.txt"}) {
    EXPECT_EQ(parse_file(fixture(name), true), kOk) << name << err_.str();
    const auto drbd = nlohmann::json::parse(out_.str());
    EXPECT_EQ(drbd["unparsed"], 0);
    EXPECT_EQ(drbd["resources"].size(), 2U) << name;
    EXPECT_EQ(drbd["resources"][0]["peers"][0]["name"], "beta");
  }
}

TEST_F(DrbdRecording, CountsAndNamesWhatItDoesNotUnderstand) {
  EXPECT_EQ(parse("exists resource name:r0 role:Primary suspended:no flavour:sweet\nnonsense\n"
                  "exists -\n"),
            kFailed);
  EXPECT_THAT(out_.str(), EndsWith("unparsed: 2\n"));
  EXPECT_THAT(err_.str(), HasSubstr("flavour"));
  EXPECT_THAT(err_.str(), HasSubstr("nonsense"));
}

TEST_F(DrbdRecording, SaysWhenThereIsNoFile) {
  EXPECT_EQ(parse_file(dir_ / "missing"), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("missing can't be read"));
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace upkeep::cli
