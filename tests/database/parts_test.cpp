#include "targets/lab/database/copy.hpp"
#include "targets/lab/database/election.hpp"
#include "targets/lab/database/endpoint.hpp"
#include "targets/lab/database/examine.hpp"
#include "targets/lab/database/schema.hpp"
#include "targets/lab/database/server_options.hpp"
#include "targets/lab/database/status_json.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sys/stat.h>

namespace faultline::database {
namespace {

using testing::Contains;
using testing::Not;
namespace fs = std::filesystem;

TEST(Position, IsTheNumberInTheFirstDomain) {
  EXPECT_EQ(position_of("0-1-105").number, 105u);
  EXPECT_EQ(position_of("1-3-9,0-102-7").number, 7u);
  EXPECT_EQ(position_of("").number, 0u);
  EXPECT_EQ(position_of("nonsense").number, 0u);
}

const std::vector<std::string> order{"a-db", "b-db", "c-db"};

TEST(Election, TheFurthestWins) {
  EXPECT_EQ(elect({{"a-db", {"", 7}}, {"c-db", {"", 8}}}, order, "a-db"), "c-db");
}

TEST(Election, OfEqualsTheHomeWinsThenTheFirst) {
  EXPECT_EQ(elect({{"a-db", {"", 7}}, {"b-db", {"", 7}}}, order, "b-db"), "b-db");
  EXPECT_EQ(elect({{"b-db", {"", 7}}, {"c-db", {"", 7}}}, order, "a-db"), "b-db");
  EXPECT_EQ(elect({}, order, "a-db"), "");
}

TEST(Election, EveryConfirmedRowIsOnOneOfTheNodesThatAreNeeded) {
  EXPECT_EQ(needed_to_elect(3, true), 2u);
  EXPECT_EQ(needed_to_elect(2, true), 1u);
  EXPECT_EQ(needed_to_elect(3, false), 1u);
}

TEST(Endpoint, ClosesBeforeItOpensAndEndsWithoutAnEmptyCommand) {
  using Door = Cluster::Door;
  EXPECT_EQ(endpoint_commands(
                {{"a-db", {Door::closed, Door::leaving}}, {"b-db", {Door::open, Door::open}}}),
            "set server rw/a-db state maint; shutdown sessions server rw/a-db; "
            "set server ro/a-db state maint; "
            "set server rw/b-db state ready; set server ro/b-db state ready");
  EXPECT_EQ(endpoint_commands({}), "");
}

TEST(Replication, IsReadFromTheServersOwnWords) {
  const auto seen = replication_of({{{"Master_Host", "10.0.1.30"},
                                     {"Master_Port", "3306"},
                                     {"Slave_IO_Running", "No"},
                                     {"Slave_SQL_Running", "Yes"},
                                     {"Last_IO_Errno", "1236"},
                                     {"Last_IO_Error", "not in the master's binlog"},
                                     {"Gtid_IO_Pos", "0-1-12"}}});
  EXPECT_EQ(seen.from, "10.0.1.30:3306");
  EXPECT_EQ(seen.link, Replication::Link::stopped);
  EXPECT_TRUE(seen.applying);
  EXPECT_EQ(seen.link_error, 1236);
  EXPECT_EQ(seen.error, "not in the master's binlog");
  EXPECT_EQ(seen.received.number, 12u);
  EXPECT_EQ(replication_of({}).from, "");
}

TEST(Replication, ThatIsNotToldIsNotTheSameAsNothingReceived) {
  NodeView view{true, position_of("0-1-5"), std::nullopt};
  EXPECT_FALSE(view.has()) << "it may have received more than it shows";
  view.replication = replication_of({});
  EXPECT_EQ(view.has()->number, 5u) << "it follows nobody, and says so";
  view.replication->received = position_of("0-1-9");
  EXPECT_EQ(view.has()->number, 9u);
}

TEST(Template, IsNamedAfterTheServersVersionAndTheSchema) {
  const auto name = template_name("/usr/sbin/mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian");
  EXPECT_TRUE(name.starts_with("mariadb-10.11.19-")) << name;
  EXPECT_NE(name, template_name("mariadbd  Ver 10.11.20-MariaDB for debian"));
}

TEST(Server, IsStartedReadOnlyAndWaitsForNobody) {
  const auto argv = server_arguments({"/run/x", {"10.0.1.30", 3306}, 101, true});
  EXPECT_EQ(argv[1], "--no-defaults") << "it must come first";
  EXPECT_THAT(argv, Contains("--read-only=1"));
  EXPECT_THAT(argv, Contains("--init-rpl-role=SLAVE"));
  EXPECT_THAT(argv, Contains("--rpl-semi-sync-slave-enabled=1"));
  EXPECT_THAT(argv, Contains("--rpl-semi-sync-master-enabled=0"));
  EXPECT_THAT(argv, Contains("--server-id=101"));
  EXPECT_THAT(argv, Contains("--skip-name-resolve"));
  EXPECT_THAT(argv, Contains("--tmpdir=/run/x/data")) << "a start clears it, of others' files too";
}

TEST(Server, CutsItsTailOffOnlyWhereAReplicaConfirms) {
  EXPECT_THAT(server_arguments({"/run/x", {"10.0.1.30", 3306}, 1, false}),
              Not(Contains("--init-rpl-role=SLAVE")));
}

TEST(Copy, KeepsContentsAndMakesHolesOfZeros) {
  const auto top = fs::temp_directory_path() / ("faultline-copy-" + std::to_string(::getpid()));
  fs::create_directories(top / "from" / "shop");
  std::string content(1 << 20, '\0');
  content += "rows";
  std::ofstream(top / "from" / "shop" / "file") << content;
  ASSERT_TRUE(copy_tree(top / "from", top / "to"));
  std::ifstream in(top / "to" / "shop" / "file");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), content);
  struct stat copy {};
  ::stat((top / "to" / "shop" / "file").c_str(), &copy);
  EXPECT_LT(copy.st_blocks * 512, 64 * 1024);
  EXPECT_FALSE(copy_tree(top / "missing", top / "other"));
  fs::remove_all(top);
}

TEST(Status, IsSaidInWordsAndWithNullsForWhatIsNotKnown) {
  Cluster::Status status;
  status.rw = "a-db";
  status.nodes = {{"a-db", "rw", "writable", true, Duration{}},
                  {"b-db", "ro", "read-only, in sync", true, std::chrono::milliseconds(12)},
                  {"c-db", "", "does not answer", false, std::nullopt}};
  status.moves.push_back({"c-db", "a-db", "c-db did not answer for 1 s", false, {}, {}, {}, {}});
  EXPECT_EQ(in_words(status), "1 writable, 1 read-only node in sync");
  const auto json = nlohmann::json::parse(
      status_json(status, [](Instant) { return WallTime(std::chrono::seconds(1'800'000'000)); }));
  EXPECT_EQ(json["database"], "orders");
  EXPECT_EQ(json["rw"], "a-db");
  EXPECT_EQ(json["nodes"][1]["lag_ms"], 12);
  EXPECT_TRUE(json["nodes"][2]["lag_ms"].is_null());
  EXPECT_EQ(json["failovers"][0]["detected_at"], "2027-01-15T08:00:00.000Z");
  EXPECT_TRUE(json["failovers"][0]["endpoint_at"].is_null());
}

}  // namespace
}  // namespace faultline::database
