#include "targets/lab/wire/control.hpp"

#include "targets/lab/wire/wire_main.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace faultline::wire {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class WireControl : public testing::Test {
 protected:
  json ask(const char* request) { return control_.answer(json::parse(request)); }
  std::string error_of(const char* request) {
    try {
      ask(request);
    } catch (const Failure& e) {
      return e.error().message;
    }
    return "no error";
  }
  Shape shape(const char* link = "zone-a") { return layers_.shape_of(link); }

  Layers layers_{{"zone-a", "zone-b"}, {.delay = 300us}};
  std::vector<std::string> reshaped_;
  Control control_{layers_, [this](const std::string& link) { reshaped_.push_back(link); },
                   [](json& shown) { shown["frames"] = 7; }};
};

TEST_F(WireControl, LayersAddUpOnTheirLinkAndTheLowestRateCounts) {
  ask(R"({"add": "r.f.1", "link": "zone-a", "delay_us": 20000, "jitter_us": 500, "rate_kbit": 0})");
  ask(R"({"add": "r.f.2", "link": "zone-a", "delay_us": 1000, "jitter_us": 100,
          "rate_kbit": 50000})");
  ask(R"({"add": "r.f.3", "link": "zone-a", "rate_kbit": 80000})");
  EXPECT_EQ(shape(), (Shape{21'300us, 600us, 50'000'000}));
  EXPECT_EQ(shape("zone-b"), (Shape{300us, 0us, 0}));
  EXPECT_THAT(reshaped_, ElementsAre("zone-a", "zone-a", "zone-a"));
}

TEST_F(WireControl, LayersAreRemovedInAnyOrderAndTwice) {
  ask(R"({"add": "one", "link": "zone-a", "delay_us": 1000})");
  ask(R"({"add": "two", "link": "zone-a", "delay_us": 2000})");
  ask(R"({"remove": "one"})");
  EXPECT_EQ(shape().delay, 2300us);
  ask(R"({"remove": "one"})");
  ask(R"({"remove": "two"})");
  EXPECT_EQ(shape(), (Shape{300us, 0us, 0}));
  EXPECT_THAT(ask(R"({"show": true})")["layers"], IsEmpty());
}

TEST_F(WireControl, ALostAnswerIsAskedAgainButAnIdKeepsItsValues) {
  const auto* add = R"({"add": "one", "link": "zone-a", "delay_us": 1000})";
  ask(add);
  ask(add);
  EXPECT_EQ(shape().delay, 1300us);
  EXPECT_THAT(error_of(R"({"add": "one", "link": "zone-b", "delay_us": 1000})"),
              HasSubstr("'one' is there already, on zone-a"));
  EXPECT_EQ(shape("zone-b").delay, 300us);
}

TEST_F(WireControl, ShowsItsLayersWithTheFigures) {
  ask(R"({"add": "one", "link": "zone-b", "delay_us": 20000, "jitter_us": 5, "rate_kbit": 64})");
  EXPECT_EQ(ask(R"({"show": true})"), json::parse(R"({"frames": 7, "layers": [
    {"id": "one", "link": "zone-b", "delay_us": 20000, "jitter_us": 5, "rate_kbit": 64}]})"));
}

TEST_F(WireControl, SaysWhatIsWrongWithARequest) {
  EXPECT_THAT(error_of(R"([1])"), HasSubstr("expected an object"));
  EXPECT_THAT(error_of(R"({"reset": true})"), HasSubstr("expected add, remove or show"));
  EXPECT_THAT(error_of(R"({"add": "x", "link": "zone-z"})"),
              HasSubstr("no link 'zone-z'; did you mean 'zone-a'?"));
  EXPECT_THAT(error_of(R"({"add": "x"})"), HasSubstr("link: expected a text, found nothing"));
  EXPECT_THAT(error_of(R"({"add": 5, "link": "zone-a"})"), HasSubstr("add: expected a text"));
  EXPECT_THAT(error_of(R"({"add": "x", "link": "zone-a", "delay_ms": 5})"),
              HasSubstr("unknown field 'delay_ms'; known: add, link, delay_us"));
  for (const auto* delay : {"-1", "10000001", "0.5", "\"5\"", "true", "1e30"}) {
    const auto request =
        std::string(R"({"add": "x", "link": "zone-a", "delay_us": )") + delay + "}";
    EXPECT_THAT(error_of(request.c_str()),
                HasSubstr("delay_us: expected a whole number from 0 to 10000000"))
        << delay;
  }
  EXPECT_THAT(error_of(R"({"add": "x", "link": "zone-a", "rate_kbit": 7})"),
              HasSubstr("rate_kbit: expected 0 (no limit) or 8 to"));
  EXPECT_THAT(layers_.all(), IsEmpty());
}

TEST(WireCommandLine, ReadsLinks) {
  const auto links = parse_links("zone-a=core-a,zone-b=core-b");
  ASSERT_TRUE(links);
  EXPECT_THAT(*links, ElementsAre(LinkEnds{"zone-a", "core-a"}, LinkEnds{"zone-b", "core-b"}));
  for (const auto* wrong : {"", "zone-a", "zone-a=", "=core-a", "zone-a=core-a,", "a=b,a=c", "a=a",
                            "a-name-longer-than-linux-has=b"}) {
    const auto result = parse_links(wrong);
    ASSERT_FALSE(result) << wrong;
    EXPECT_THAT(result.error().message, HasSubstr("expected INTERFACE=INTERFACE")) << wrong;
  }
}

TEST(WireCommandLine, RefusesToSendOutsideALab) {
  ::unsetenv("FAULTLINE_LAB_HOST");
  const std::vector<std::string> args{"--links", "lo=lo0",    "--delay-us",
                                      "300",     "--control", "/tmp/faultline-wire.sock"};
  testing::internal::CaptureStderr();
  EXPECT_EQ(wire_main(args), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("inside a lab only"));
}

TEST(WireCommandLine, SaysWhatIsWrong) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(wire_main(std::vector<std::string>{"--links", "zone-a"}), 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("--delay-us"));
}

}  // namespace
}  // namespace faultline::wire
