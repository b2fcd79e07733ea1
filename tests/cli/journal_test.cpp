#include "orchestrator/store/journal.hpp"

#include "orchestrator/cli/commands.hpp"
#include "tests/cli/folder.hpp"

#include <gmock/gmock.h>

/// `faultline journal`: two segments told as one story, and nothing changed.
namespace faultline::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

json intended(const std::string& fault, const std::string& at) {
  return {{"type", "intended"},
          {"fault", fault},
          {"run", "r1"},
          {"at", at},
          {"kind", "redis_failover"},
          {"epoch", 3},
          {"actions", {{{"summary", "kill a-redis"}, {"undo_summary", "start a-redis again"}}}}};
}

/// A home with journals as they would stand there.
class JournalCommand : public testing::Test {
 protected:
  JournalCommand() { std::filesystem::create_directory(home_.path() / "journal"); }

  void write(const std::string& name, const std::vector<json>& records,
             const std::string& tail = "") const {
    std::string bytes(store::magic);
    for (const auto& record : records) {
      bytes += *store::encode(record);
    }
    home_.write("journal/" + name, bytes + tail);
  }
  std::string say(const std::string& arguments = "journal", int code = 0) {
    CLI::App app;
    Context context;
    context.home = home_.path();
    add_journal(app, context);
    app.parse(arguments);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(context.action(), code);
    errors_ = testing::internal::GetCapturedStderr();
    return testing::internal::GetCapturedStdout();
  }

  Folder home_;
  std::string errors_;
};

TEST_F(JournalCommand, AHomeWithoutJournalsHasNothingOpen) {
  EXPECT_THAT(say(), AllOf(HasSubstr("no journals in "), HasSubstr("nothing is open")));
}

TEST_F(JournalCommand, WhatIsOpenComesFirstWithItsUndo) {
  write("1.journal", {intended("r1.a", "T1"), {{"type", "closed"}, {"fault", "r1.a"}}});
  write("2.journal", {intended("r1.b", "T2"),
                      {{"type", "closed"}, {"fault", "r1.b"}},
                      intended("r1.c", "T3"),
                      {{"type", "applied"}, {"fault", "r1.c"}, {"at", "T4"}}});
  const auto said = say();
  EXPECT_THAT(said, HasSubstr("2.journal: 1 open, 1 closed\n"
                              "  OPEN   r1.c (redis_failover), run r1\n"
                              "    T3  intended  kill a-redis; undone by: start a-redis again\n"
                              "    T4  applied\n"
                              "  closed r1.b (redis_failover), run r1\n"));
  EXPECT_LT(said.find("2.journal"), said.find("1.journal"));
}

TEST_F(JournalCommand, WhatARecoveryDidIsPartOfTheStory) {
  write("1.journal", {intended("r1.a", "T1")});
  write("1.undo.journal",
        {{{"type", "closed"}, {"fault", "r1.a"}, {"at", "T9"}, {"by", "guard, pid 12"}}});
  EXPECT_THAT(say(), AllOf(HasSubstr("0 open, 1 closed"),
                           HasSubstr("    T9  closed    by guard, pid 12\n")));
}

TEST_F(JournalCommand, DamageIsSaidAndChangesNothing) {
  write("1.journal", {intended("r1.a", "T1"), intended("r1.b", "T2")}, "half");
  auto bytes = home_.read("journal/1.journal");
  bytes[40] ^= 1;
  home_.write("journal/1.journal", bytes);
  EXPECT_THAT(say(), AllOf(HasSubstr("damaged:"), HasSubstr("1 whole records follow"),
                           HasSubstr("its last 4 bytes are torn"), HasSubstr("OPEN   r1.b"),
                           HasSubstr("1.journal: 2 open, 0 closed"), HasSubstr("OPEN   1.damaged-"),
                           HasSubstr("holds journal 1")));
  EXPECT_EQ(home_.read("journal/1.journal"), bytes);
}

TEST_F(JournalCommand, WhatDamageTookIsClosedWhenItsEnvironmentWasLookedAt) {
  write("1.journal", {intended("r1.a", "T1"), {{"type", "closed"}, {"fault", "r1.a"}}});
  auto bytes = home_.read("journal/1.journal");
  bytes[40] ^= 1;
  home_.write("journal/1.journal", bytes);
  const auto lost = json::parse(say("journal --json"))["faults"][0]["fault"];
  write("1.undo.journal",
        {{{"type", "closed"}, {"fault", lost}, {"at", "T9"}, {"by", "recover, pid 12"}}});
  EXPECT_THAT(say(),
              AllOf(HasSubstr("1.journal: 0 open"), HasSubstr("closed " + lost.get<std::string>()),
                    HasSubstr("by recover, pid 12")));
}

TEST_F(JournalCommand, NeedsNoLockAndAForeignFileHidesNoOther) {
  boost::asio::io_context io;
  const auto writer =
      store::FileJournal::open(home_.path() / "journal" / "1.journal", io.get_executor()).value();
  home_.write("journal/0.journal", "a letter");
  EXPECT_THAT(say("journal", 3), HasSubstr("1.journal: 0 open, 0 closed"));
  EXPECT_THAT(errors_, HasSubstr("expected a faultline journal"));
}

TEST_F(JournalCommand, JsonHasOneObjectAJournal) {
  write("1.journal", {intended("r1.a", "T1"), {{"type", "applied"}, {"fault", "r1.a"}}});
  const auto said = json::parse(say("journal --json"));
  EXPECT_EQ(said["open"], 1);
  EXPECT_EQ(said["faults"][0]["fault"], "r1.a");
  EXPECT_EQ(said["faults"][0]["steps"][1]["type"], "applied");
}

}  // namespace
}  // namespace faultline::cli
