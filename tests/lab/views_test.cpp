#include "targets/lab/supervisor_health.hpp"
#include "targets/lab/supervisor_http.hpp"
#include "targets/lab/supervisor_ping.hpp"
#include "targets/lab/supervisor_switchover.hpp"
#include "targets/lab/supervisor_usage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// What the parts of the lab and its programs say, read into values.
namespace faultline::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BalancerStat, GivesTheStatusOfEveryServer) {
  const auto servers = parse_balancer_stat(
      "# pxname,svname,qcur,status,weight\n"
      "web,FRONTEND,,OPEN,\n"
      "app,a-spot,0,UP,1\n"
      "app,b-spot,0,DOWN,1\n"
      "app,BACKEND,0,UP,2\n\n");
  EXPECT_THAT(servers, ElementsAre(std::pair("app/a-spot", "UP"), std::pair("app/b-spot", "DOWN")));
}

TEST(BalancerStat, CountsWhatReachedAFrontend) {
  const auto counts = [](const char* frontend) {
    return parse_frontend_counts(
        "# pxname,svname,status,req_tot,conn_tot,\n"
        "web,FRONTEND,OPEN,1200,340,\n"
        "rw-in,FRONTEND,OPEN,0,56,\n"
        "web,a-spot,UP,600,,\n",
        frontend);
  };
  EXPECT_THAT(counts("web"),
              ElementsAre(std::pair("connections", 340u), std::pair("requests", 1200u)));
  EXPECT_THAT(counts("rw-in"),
              ElementsAre(std::pair("connections", 56u), std::pair("requests", 0u)));
  EXPECT_THAT(counts("ro-in"), ElementsAre());
  EXPECT_THAT(parse_frontend_counts("# pxname,svname,status\nweb,FRONTEND,OPEN\n", "web"),
              ElementsAre());
}

TEST(Unmet, NamesWhatIsNotAsItMustBe) {
  EXPECT_THAT(unmet({{"component a-redis", "dead", "healthy"},
                     {"component b-redis", "healthy", "healthy"},
                     {"cache sessions primary", "b-redis", ""}}),
              ElementsAre("component a-redis: dead"));
}

TEST(Endpoint, CountsTheServersThatServe) {
  EXPECT_EQ(endpoint_in_words({{"rw/a-db", "no check"},
                               {"rw/b-db", "MAINT"},
                               {"ro/b-db", "no check"},
                               {"ro/c-db", "no check"}}),
            "1 for writes, 2 for reads");
}

TEST(DatabaseLosses, AreToldOnceForEachServerThatEnded) {
  DatabaseLosses losses;
  const std::string killed = R"({"pid":71,"how":"killed by signal 9"})";
  EXPECT_FALSE(losses.news("c-db", R"({"pid":0,"how":""})")) << "it has lost none";
  EXPECT_EQ(losses.news("c-db", killed), "killed by signal 9");
  EXPECT_FALSE(losses.news("c-db", killed)) << "it is the same one still";
  EXPECT_EQ(losses.news("c-db", R"({"pid":92,"how":"exited with code 1"})"), "exited with code 1");
  EXPECT_EQ(losses.news("b-db", killed), "killed by signal 9") << "each node has its own";
}

TEST(DatabaseLosses, AMachineThatWasKilledByAFaultComesBackWithoutAny) {
  DatabaseLosses losses;
  EXPECT_TRUE(losses.news("c-db", R"({"pid":71,"how":"killed by signal 9"})"));
  EXPECT_FALSE(losses.news("c-db", R"({"pid":0,"how":""})")) << "its machine has started again";
  EXPECT_FALSE(losses.news("c-db", "half a page"));
  EXPECT_TRUE(losses.news("c-db", R"({"pid":105,"how":"killed by signal 9"})"));
}

constexpr auto status_text = R"({"database": "orders", "rw": "b-db", "moving": false,
  "in_words": "1 writable, 1 read-only node in sync", "failovers": [],
  "nodes": [{"name": "a-db", "role": "", "healthy": false, "words": "no answer", "lag_ms": null},
            {"name": "b-db", "role": "rw", "healthy": true, "words": "writable", "lag_ms": 0},
            {"name": "c-db", "role": "ro", "healthy": true, "words": "in sync", "lag_ms": 2}]})";

TEST(Database, IsSeenAsItsManagerSeesIt) {
  const auto view = parse_database(status_text).value();
  EXPECT_EQ(view.rw, "b-db");
  EXPECT_EQ(view.nodes.at("c-db").role, "ro");
  EXPECT_FALSE(view.nodes.at("a-db").healthy);
  EXPECT_FALSE(view.whole()) << "a-db has no role";
}

TEST(Switchover, ThatIsLateIsNotTakenForOneThatWasRefused) {
  const auto answered = [](const std::string& status, const std::string& error) {
    const auto body = R"({"error":")" + error + R"("})";
    return switchover_answer(Said{"HTTP/1.1 " + status + "\r\nContent-Length: " +
                                      std::to_string(body.size()) + "\r\n\r\n" + body,
                                  {}});
  };
  EXPECT_TRUE(answered("200 OK", ""));
  const auto refused = answered("409 Conflict", "no node is writable now");
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("moves nothing: no node is writable now"));
  const auto late = answered("504 Gateway Timeout", "it goes on");
  EXPECT_EQ(late.error().kind, ErrorKind::timeout);
  EXPECT_THAT(late.error().message, HasSubstr("not done yet: it goes on"));
  const auto silent = switchover_answer(NoAnswer{Silence::timeout, "no answer in 12 s"});
  EXPECT_EQ(silent.error().kind, ErrorKind::timeout);
}

TEST(Database, AStatusThatIsNotWhatWasAgreedIsAnErrorThatNamesTheField) {
  const auto view = parse_database(R"({"database": "orders"})");
  ASSERT_FALSE(view);
  EXPECT_THAT(view.error().message, HasSubstr("rw"));
}

TEST(Http, AnAnswerIsWholeWithItsBody) {
  const std::string head = "HTTP/1.1 409 Conflict\r\nServer: x\r\nContent-length: 12\r\n\r\n";
  EXPECT_FALSE(parse_http(head + "{\"error\""));
  const auto answer = parse_http(head + "{\"error\":1}\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->body, "{\"error\":1}\n");
  EXPECT_FALSE(parse_http("SSH-2.0-OpenSSH\r\n\r\n"));
}

TEST(SideDoor, AnswersInItsOwnWords) {
  EXPECT_EQ(side_door_answer(Said{R"({"ok":{"layers":[]}})", {}})->dump(), R"({"layers":[]})");
  const auto refused = side_door_answer(Said{R"({"error":"no link 'zone-x'"})", {}});
  EXPECT_THAT(refused.error().message, HasSubstr("no link 'zone-x'"));
}

TEST(Ping, ItsSummaryAndTimesAreRead) {
  const auto seen = parse_ping(
      "PING 10.0.1.10 (10.0.1.10) 56(84) bytes of data.\n"
      "64 bytes from 10.0.1.10: icmp_seq=1 ttl=62 time=41.1 ms\n"
      "64 bytes from 10.0.1.10: icmp_seq=3 ttl=62 time=40.2 ms\n"
      "64 bytes from 10.0.1.10: icmp_seq=4 ttl=62 time=90 ms\n\n"
      "--- 10.0.1.10 ping statistics ---\n"
      "4 packets transmitted, 3 received, 25% packet loss, time 60ms\n"
      "rtt min/avg/max/mdev = 40.2/57.1/90.0/1.0 ms\n");
  ASSERT_TRUE(seen);
  EXPECT_DOUBLE_EQ(seen->lost_percent(), 25);
  EXPECT_DOUBLE_EQ(seen->median_ms(), 41.1);
  EXPECT_FALSE(parse_ping("ping: connect: Network is unreachable\n"));
}

TEST(Usage, IsReadFromALineOfProcWhateverTheName) {
  const auto process = parse_stat(
      "77 (my (odd) name) S 1 70 70 0 -1 4194560 100 0 0 0 150 50 10 5 20 0 3 0 100 1000000 256 "
      "18446744073709551615 1 1",
      4096, 100);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->group, 70);
  EXPECT_EQ(process->usage.memory_bytes, 256u * 4096);
  EXPECT_EQ(process->usage.cpu_ms, 2150u);
}

TEST(MachineUsed, IsReadFromTheFirstLineOfProcStat) {
  const auto used = parse_machine("cpu  100 20 50 700 30 0 60 40 0 0", 100);
  ASSERT_TRUE(used);
  EXPECT_EQ(used->total_ms, 10'000u);
  EXPECT_EQ(used->idle_ms, 7'300u) << "waiting for a disk is idle too";
  EXPECT_FALSE(parse_machine("cpu0 100 20 50 700 30 0 60 40 0 0", 100));
  EXPECT_FALSE(parse_machine("cpu 100 20", 100));
}

TEST(MachineUsed, TheLabsShareIsThatOfAllItsProcesses) {
  const auto used = machine_used({{1, {0, 300}}, {2, {0, 200}}});
  ASSERT_TRUE(used) << "on Linux";
  EXPECT_EQ(used->own_ms, 500u);
  EXPECT_GE(used->total_ms, used->idle_ms);
}

}  // namespace
}  // namespace faultline::lab
