#include "orchestrator/cli/commands.hpp"
#include "orchestrator/store/history.hpp"
#include "orchestrator/store/journal.hpp"
#include "tests/cli/folder.hpp"

#include <gmock/gmock.h>

#include <pwd.h>

/// `faultline recover --accept`: what cannot be put back, from the exit code of its run to the last
/// word about it.
namespace faultline::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A home with a run that ended with exit code 5, in an environment that nobody here can reach.
class RecoverCommand : public testing::Test {
 protected:
  RecoverCommand() {
    fs::create_directory(home_.path() / "journal");
    home_.write("journal/1.journal",
                std::string(store::magic) + *store::encode({{"type", "intended"},
                                                            {"fault", "r1.f0"},
                                                            {"kind", "zone_loss"},
                                                            {"run", "r1"},
                                                            {"epoch", 7},
                                                            {"target", {{"target", "mars"}}},
                                                            {"actions", json::array()},
                                                            {"before", json::object()},
                                                            {"may_move", json::array()},
                                                            {"resources", {"zone b"}}}));
    store::History::open(home_.path() / "history.db")
        .value()
        ->add({{"schema", "faultline.run/1"},
               {"id", "r1"},
               {"experiment", "zone_loss"},
               {"environment", "lab"},
               {"profile", "naive"},
               {"verdict", "failed"},
               {"reason", "undo incomplete"},
               {"exit_code", 5},
               {"started", "2026-11-20T12:00:00.000Z"},
               {"finished", "2026-11-20T12:01:00.000Z"}})
        .value();
  }

  std::string say(Command command, const std::vector<std::string>& arguments, int code = 0) {
    CLI::App app;
    Context context;
    context.home = home_.path();
    command(app, context);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(context.action(), code);
    errors_ = testing::internal::GetCapturedStderr();
    return testing::internal::GetCapturedStdout();
  }
  static std::string user() {
    const passwd* found = ::getpwuid(::getuid());
    return found != nullptr ? found->pw_name : "uid " + std::to_string(::getuid());
  }
  [[nodiscard]] bool journal_is_there() const {
    return fs::exists(home_.path() / "journal" / "1.journal");
  }

  const std::vector<std::string> accept_{"recover", "--accept", "zone b", "--reason",
                                         "rebuilt by hand"};
  Folder home_;
  std::string errors_;
};

TEST_F(RecoverCommand, WhatWasAcceptedIsToldByTheHistoryWithWhoAndWhy) {
  EXPECT_THAT(say(add_recover, {"recover"}, 5),
              AllOf(HasSubstr("not put back: r1.f0"), HasSubstr("--accept RESOURCE")));
  const auto history = say(add_history, {"history"});

  EXPECT_THAT(say(add_recover, accept_), HasSubstr("accepted r1.f0 (zone_loss)"));

  EXPECT_EQ(say(add_history, {"history"}), history) << "the verdict stays";
  EXPECT_THAT(say(add_show, {"show", "r1"}),
              AllOf(HasSubstr("failed"), HasSubstr("zone b: zone_loss: accepted as it is"),
                    HasSubstr("; by " + user() + ", because: rebuilt by hand")));
  const auto record = json::parse(say(add_show, {"show", "r1", "--json"}));
  EXPECT_EQ(record["exit_code"], 5);
  EXPECT_EQ(record["afterwards"][0]["resource"], "zone b");
  EXPECT_FALSE(journal_is_there());
  EXPECT_THAT(say(add_recover, {"recover"}), HasSubstr("nothing to recover"));
}

TEST_F(RecoverCommand, AnAcceptanceOutlivesAHistoryThatCannotBeWritten) {
  const auto file = home_.path() / "history.db";
  fs::rename(file, home_.path() / "away.db");
  fs::create_directory(file);
  EXPECT_THAT(say(add_recover, accept_),
              AllOf(HasSubstr("accepted r1.f0"), HasSubstr("the history does not say so")));
  EXPECT_TRUE(journal_is_there()) << "it alone says so";
  fs::remove(file);
  fs::rename(home_.path() / "away.db", file);

  EXPECT_THAT(say(add_recover, {"recover"}), HasSubstr("nothing to recover"));
  EXPECT_THAT(say(add_show, {"show", "r1"}), HasSubstr("because: rebuilt by hand"));
  EXPECT_FALSE(journal_is_there());
}

TEST_F(RecoverCommand, AnotherResourceIsNotAccepted) {
  EXPECT_THAT(say(add_recover, {"recover", "--accept", "zone c", "--reason", "gone"}, 5),
              AllOf(HasSubstr("not put back: r1.f0"), Not(HasSubstr("accepted"))));
  EXPECT_TRUE(journal_is_there());
  EXPECT_THAT(say(add_show, {"show", "r1"}), Not(HasSubstr("afterwards")));
}

TEST_F(RecoverCommand, ADamagedJournalIsHeldAlthoughAllThatCanBeReadIsClosed) {
  auto bytes = home_.read("journal/1.journal");
  bytes[store::magic.size() + 30] ^= 1;
  home_.write("journal/1.journal",
              bytes + *store::encode({{"type", "closed"}, {"fault", "r1.f0"}, {"run", "r1"}}));
  EXPECT_THAT(say(add_recover, {"recover"}, 5),
              AllOf(HasSubstr("damaged: "), HasSubstr("which holds journal 1"),
                    HasSubstr("--accept RESOURCE")));
  EXPECT_TRUE(journal_is_there());

  EXPECT_THAT(say(add_recover, {"recover", "--accept", "journal 1", "--reason", "looked myself"}),
              HasSubstr("accepted 1.damaged-"));
  EXPECT_FALSE(journal_is_there());
  EXPECT_THAT(say(add_show, {"show", "r1"}), HasSubstr("because: looked myself"));
}

TEST_F(RecoverCommand, NothingIsAcceptedWithoutAReason) {
  say(add_recover, {"recover", "--accept", "zone b", "--reason", ""}, 2);
  EXPECT_THAT(errors_, HasSubstr("--reason TEXT"));
  EXPECT_TRUE(journal_is_there());
}

}  // namespace
}  // namespace faultline::cli
