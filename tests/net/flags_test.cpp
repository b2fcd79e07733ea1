#include "targets/net/flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace faultline::net {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::vector<std::string>& args) {
  FlagReader flags(args, {"--listen", "--count", "--wait-ms", "--nodes"});
  flags.endpoint("--listen");
  flags.number("--count", 1, 10);
  flags.ms("--wait-ms", 0, 1000);
  flags.endpoints("--nodes");
  const auto result = flags.result();
  return result ? "no error" : result.error().message;
}

/// A right command line with one value exchanged.
std::vector<std::string> with(const std::string& name, const std::string& value) {
  std::vector<std::string> args{
      "--listen", "10.0.1.10:8080",         "--count", "3", "--wait-ms", "250",
      "--nodes",  "10.0.1.20:1,10.0.2.20:2"};
  const auto at = std::ranges::find(args, name);
  *std::next(at) = value;
  return args;
}

TEST(Flags, AreReadInAnyOrder) {
  const std::vector<std::string> args{"--wait-ms", "250", "--nodes",  "10.0.1.20:1,10.0.2.20:2",
                                      "--count",   "3",   "--listen", "10.0.1.10:8080"};
  FlagReader flags(args, {"--listen", "--count", "--wait-ms", "--nodes"});
  EXPECT_EQ(flags.endpoint("--listen"), (Endpoint{"10.0.1.10", 8080}));
  EXPECT_EQ(flags.number("--count", 1, 10), 3);
  EXPECT_EQ(flags.ms("--wait-ms", 0, 1000), 250ms);
  EXPECT_THAT(flags.endpoints("--nodes"),
              ElementsAre(Endpoint{"10.0.1.20", 1}, Endpoint{"10.0.2.20", 2}));
  EXPECT_TRUE(flags.result());
}

TEST(Flags, SayWhatIsMissingUnknownOrTwice) {
  auto args = with("--count", "3");
  EXPECT_EQ(error_of(args), "no error");
  auto twice = args;
  twice.insert(twice.end(), {"--count", "4"});
  EXPECT_THAT(error_of(twice), HasSubstr("--count is there twice"));
  auto missing = args;
  missing.resize(6);
  EXPECT_THAT(error_of(missing), HasSubstr("--nodes is missing"));
  auto bare = args;
  bare.resize(7);
  EXPECT_THAT(error_of(bare), HasSubstr("--nodes needs a value"));
  args[0] = "--listn";
  EXPECT_THAT(error_of(args), HasSubstr("unknown flag '--listn'; did you mean '--listen'?"));
}

TEST(Flags, SayWhichValueIsWrongAndWhatWasExpected) {
  for (const auto* wrong : {"0", "11", "3x", " 3", "99999999999"}) {
    EXPECT_THAT(error_of(with("--count", wrong)),
                HasSubstr(std::string("--count expects a number from 1 to 10, found '") + wrong))
        << wrong;
  }
  EXPECT_THAT(error_of(with("--wait-ms", "-1")), HasSubstr("--wait-ms"));
  EXPECT_THAT(error_of(with("--nodes", "10.0.1.20:1,")), HasSubstr("--nodes: expected IPV4:PORT"));
}

TEST(Flags, TheFirstWrongValueIsTheOneThatIsTold) {
  auto args = with("--count", "many");
  args[1] = "here";
  EXPECT_THAT(error_of(args), HasSubstr("--listen"));
}

TEST(Endpoints, AreNumericAddressesWithAPort) {
  for (const auto* wrong : {"", "10.0.1.10", "10.0.1.10:", "10.0.1.10:0", "10.0.1.10:65536",
                            "10.0.1.10:80x", "10.0.1:80", "localhost:80", ":80", "::1:80"}) {
    const auto endpoint = parse_endpoint(wrong);
    ASSERT_FALSE(endpoint) << wrong;
    EXPECT_EQ(endpoint.error().kind, ErrorKind::usage);
    EXPECT_THAT(endpoint.error().message, HasSubstr("no resolver")) << wrong;
  }
  EXPECT_EQ(to_string(parse_endpoint("10.0.1.10:65535").value()), "10.0.1.10:65535");
}

}  // namespace
}  // namespace faultline::net
