#include "targets/lab/supervisor_ask.hpp"
#include "targets/lab/supervisor_components.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// What the supervisor does where nothing can be started or asked: there are no hosts here.
namespace faultline::lab {
namespace {

using testing::HasSubstr;

TEST(Components, AStartThatFailsIsStillOwedWhenTheHoldIsLetGoAgain) {
  boost::asio::io_context io;
  Children children(io);
  const auto topology = make_topology(profile("hardened").value());
  Components components(children, topology, {}, net::Fd(), nullptr);  // no logs folder: no start
  const auto let_go = [&] {
    Result<> answer;
    components.let_go("a-redis", "kill-1", [&](const Result<>& result) { answer = result; });
    return answer;
  };
  EXPECT_TRUE(let_go()) << "nothing is held, so nothing is owed";
  components.hold("a-redis", "kill-1", Hold::dead, [](const Result<>& held) { EXPECT_TRUE(held); });
  ASSERT_FALSE(let_go());
  EXPECT_FALSE(let_go()) << "the undo is tried again until the process runs";
  EXPECT_THAT(let_go().error().message, HasSubstr("a-redis.log"));
}

Question at(const std::string& host, const std::string& address) {
  return {host, address, 80, "", "", nullptr, std::chrono::seconds(1)};
}

/// Why nothing came back.
NoAnswer asked(const Question& question) {
  boost::asio::io_context io;
  NoAnswer answer;
  ask(io, question, [&](const Heard& heard) {
    EXPECT_FALSE(was_asked(heard));
    answer = heard.error();
  });
  io.run();
  return answer;
}

TEST(Asking, SomethingWithoutAnAddressIsAnErrorAndNoSilence) {
  const auto answer = asked(at("client", ""));
  EXPECT_EQ(answer.why, Silence::not_asked);
  EXPECT_THAT(answer.words, HasSubstr("'' is not an IPv4 address"));
}

TEST(Asking, FromAHostThatIsNotThereIsAnErrorAndNoSilence) {
  const auto answer = asked(at("nowhere", "10.0.1.20"));
  EXPECT_EQ(answer.why, Silence::not_asked);
  EXPECT_THAT(answer.words, HasSubstr("no host 'nowhere'"));
}

TEST(Asking, ThroughAPathThatIsTooLongIsAnErrorInWords) {
  const auto answer = asked(
      {.path = "/run/" + std::string(103, 'x'), .text = "{}", .limit = std::chrono::seconds(1)});
  EXPECT_EQ(answer.why, Silence::not_asked);
  EXPECT_THAT(answer.words, HasSubstr("at most 107 bytes and this one has 108"));
}

}  // namespace
}  // namespace faultline::lab
