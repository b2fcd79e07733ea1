#include "tests/integration/lab_fixture.hpp"

namespace faultline::integration {
namespace {

TEST_F(LabTargetTest, AnActionIsAppliedSeenAndReverted) {
  up();
  const auto opened = open();
  ASSERT_TRUE(opened) << opened.error().message;
  targets::Target& target = **opened;
  std::vector<targets::Notice> notices;
  target.on_notice([&](const targets::Notice& n) { notices.push_back(n); });
  const auto epoch = await<targets::Epoch>([&](auto done) { target.acquire("the test", 0, done); });
  ASSERT_TRUE(epoch) << epoch.error().message;

  const targets::Action kill{"test.1.1",    "process.kill",       {{"component", "b-spot"}},
                             "kill b-spot", "start b-spot again", "component b-spot"};
  ASSERT_TRUE(await<void>([&](auto done) { target.arm(kill, *epoch, done); }));
  const auto outcome =
      await<targets::Outcome>([&](auto done) { target.apply(kill, *epoch, done); });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(*outcome, targets::Outcome::done);
  EXPECT_TRUE(becomes(target, [](const targets::World& world) {
    return world.find("b-spot")->state == targets::ProcessState::dead;
  }));
  EXPECT_THAT(home_.run({"lab", "status"}).out, HasSubstr("kill b-spot"));
  ASSERT_FALSE(notices.empty());
  EXPECT_EQ(notices[0].name, "component_died");

  EXPECT_TRUE(await<void>([&](auto done) { target.revert(kill, *epoch, done); }));
  EXPECT_TRUE(becomes(target, [](const targets::World& world) {
    return world.find("b-spot")->healthy && world.in_force.empty();
  }));
}

TEST_F(LabTargetTest, OneOwnerAtATime) {
  up();
  const auto first = open();
  const auto second = open();
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(await<targets::Epoch>([&](auto done) { (*first)->acquire("the first", 0, done); }));
  const auto refused =
      await<targets::Epoch>([&](auto done) { (*second)->acquire("the second", 0, done); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the first"));
}

TEST_F(LabTargetTest, ALabWithAnotherProfileMustGoDownFirst) {
  EXPECT_EQ(open().error().kind, ErrorKind::not_found);
  up("naive");
  const auto opened = open("hardened");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::usage);
  EXPECT_THAT(opened.error().message, HasSubstr("faultline lab down"));
  EXPECT_TRUE(open("naive"));
}

TEST_F(LabTargetTest, IdentityTellsOneStartFromTheNext) {
  up();
  const auto before = (*open())->identity();
  EXPECT_EQ((*open())->identity(), before);
  EXPECT_EQ(home_.run({"lab", "down"}).code, 0);
  up();
  EXPECT_NE((*open())->identity(), before);
}

}  // namespace
}  // namespace faultline::integration
