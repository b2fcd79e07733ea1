#include "tests/load/measured.hpp"

#include <mutex>
#include <numeric>
#include <set>

/// What is sent and what is looked at: mixes, rows, sessions, checks of the answer.
namespace {

/// Answers everything alike and remembers what was asked.
class Listening {
 public:
  explicit Listening(std::string answer = http_answer("200 OK"))
      : server_(http_framing, [this, answer](std::uint64_t, const std::string& request) {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
          return Answer{answer};
        }) {}
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> requests_;
  Server server_;
};

std::string json_answer(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string error_of(const Json& args) {
  return LoadRun(http_load(80, 10, args).dump()).for_time(0ms).error;
}

}  // namespace

TEST(HttpMix, IsDrawnByWeightAndEachRequestHasItsOwnExpectation) {
  Listening server;
  const Json mix{{{"name", "read"}, {"path", "/read"}, {"weight", 3}},
                 {{"name", "write"},
                  {"path", "/write"},
                  {"method", "POST"},
                  {"body", "x"},
                  {"expect", {{"status", 201}}}},
                 {{"path", "/never"}, {"weight", 0}}};
  const auto totals = measure(http_load(server.port(), 1'000, {{"mix", mix}}), 1s);
  std::map<std::string, std::uint64_t> asked;
  for (const auto& request : server.requests()) {
    ++asked[path_of(request)];
  }
  EXPECT_EQ(asked.size(), 2u);
  EXPECT_NEAR(asked["/read"], 750, 60);  // 4 standard deviations of a fair draw
  EXPECT_EQ(totals.all().good, asked["/read"]);
  EXPECT_EQ(totals.all().errors.at("status 200"), asked["/write"]);
}

TEST(HttpMix, IsIndependentOfTheTimesOfAPoissonLoad) {
  Listening server;
  auto spec = http_load(server.port(), 2'000, {{"mix", {{{"path", "/a"}}, {{"path", "/b"}}}}});
  spec["spacing"] = "poisson";
  auto told = run_for(1s, spec);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), told.samples.size());
  std::ranges::sort(told.samples, {}, &Seen::due_ms);
  std::map<std::string, std::vector<double>> gaps;
  for (std::size_t n = 1; n < requests.size(); ++n) {
    // One server thread answers in the order sent, but for requests within the same instant.
    gaps[path_of(requests[n - 1])].push_back(told.samples[n].due_ms - told.samples[n - 1].due_ms);
  }
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  EXPECT_NEAR(mean(gaps["/a"]), mean(gaps["/b"]), 0.1);  // 0.5 each, 4 standard deviations
}

TEST(HttpRows, AreTakenInTurn) {
  Listening server;
  const auto rows = Json::parse(R"({"columns": ["user", "city"],
                                    "rows": [["ada", "x y"], ["bob", "oslo"]]})");
  run_for(100ms, http_load(server.port(), 50,
                           {{"rows", rows},
                            {"method", "PUT"},
                            {"path", "/{csv:user}"},
                            {"body", "from {csv:city}"},
                            {"headers", {{"X-User", "{csv:user}"}}}}));
  const auto requests = server.requests();
  ASSERT_GE(requests.size(), 3u);
  for (std::size_t n = 0; n < requests.size(); ++n) {
    const std::string user = n % 2 == 0 ? "ada" : "bob";
    EXPECT_EQ(path_of(requests[n]), "/" + user);
    EXPECT_THAT(requests[n], HasSubstr("X-User: " + user + "\r\n"));
    EXPECT_TRUE(requests[n].ends_with(n % 2 == 0 ? "from x y" : "from oslo"));
  }
}

TEST(HttpTemplates, OfUnknownFieldsAreRefusedByName) {
  const auto rows = Json::parse(R"({"columns": ["user"], "rows": [["ada"]]})");
  EXPECT_THAT(error_of({{"rows", rows}, {"path", "/{csv:usr}"}}),
              HasSubstr("'path': unknown placeholder '{csv:usr}'; did you mean 'csv:user'?"));
  EXPECT_THAT(error_of({{"body", "{token}"}}), HasSubstr("'body': unknown placeholder '{token}'"));
  EXPECT_THAT(error_of({{"headers", {{"A", "{tenent}"}}}}),
              HasSubstr("'headers': unknown placeholder '{tenent}'; did you mean 'tenant'?"));
  EXPECT_THAT(error_of({{"rows", Json::parse(R"({"columns": ["a"], "rows": [["x", "y"]]})")}}),
              HasSubstr("row 1: expected 1 texts"));
  EXPECT_THAT(error_of({{"mix", {{{"path", "/"}, {"weight", 0}}}}}),
              HasSubstr("at least one request with a weight above 0"));
  EXPECT_THAT(error_of({{"sessions", {{"count", 1}, {"login", {{"path", "/{token}"}}}}}}),
              HasSubstr("unknown placeholder '{token}'"));
}

struct CheckCase {
  std::string name;
  Json expect;
  std::string answer, outcome;
};

class HttpChecks : public ::testing::TestWithParam<CheckCase> {};

TEST_P(HttpChecks, NameWhatIsWrongWithAnAnswer) {
  Listening server(GetParam().answer);
  const auto told = run_for(60ms, http_load(server.port(), 50, {{"expect", GetParam().expect}}));
  EXPECT_THAT(told.errors(), ElementsAre(Pair(GetParam().outcome, told.samples.size())));
}

INSTANTIATE_TEST_SUITE_P(
    Load, HttpChecks,
    ::testing::Values(
        CheckCase{"right",
                  {{"json", {{"order.state", "paid"}, {"items.1", 2}}}},
                  json_answer(R"({"order":{"state":"paid"},"items":[1,2]})"),
                  "good"},
        CheckCase{"wrong_value",
                  {{"json", {{"order.state", "paid"}}}},
                  json_answer(R"({"order":{"state":"open"}})"),
                  "unexpected order.state"},
        CheckCase{
            "wrong_type", {{"json", {{"n", 1}}}}, json_answer(R"({"n":"1"})"), "unexpected n"},
        CheckCase{"missing_field",
                  {{"json", {{"order.state", "paid"}}}},
                  json_answer("{}"),
                  "unexpected order.state"},
        CheckCase{"not_json", {{"json", {{"ok", true}}}}, json_answer("<html>"), "not json"},
        CheckCase{"too_short", {{"min_bytes", 3}}, http_answer("200 OK"), "unexpected size"},
        CheckCase{"too_long", {{"max_bytes", 1}}, http_answer("200 OK"), "answer too large"}),
    [](const auto& bundle) { return bundle.param.name; });

/// Gives every login a token of its own, and serves only who carries one that still holds.
class LoginServer {
 public:
  LoginServer()
      : server_(http_framing, [this](std::uint64_t, const std::string& request) {
          const std::lock_guard lock(mutex_);
          if (path_of(request) == "/login") {
            ++logins_;
            return Answer{json_answer(R"({"data":{"token":"t)" + std::to_string(logins_) + "\"}}"),
                          5ms};
          }
          const auto token = path_of(request).substr(1);
          const bool revoked = ++uses_[token] > uses_of_a_token_;
          return Answer{http_answer(revoked ? "401 Unauthorized" : "200 OK")};
        }) {}
  [[nodiscard]] Json args(int users) const {
    return {{"path", "/{token}"},
            {"sessions",
             {{"count", users},
              {"token", "data.token"},
              {"login", {{"path", "/login"}, {"method", "POST"}}}}}};
  }
  void revoke_after(int uses) { uses_of_a_token_ = uses; }
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] int logins() {
    const std::lock_guard lock(mutex_);
    return logins_;
  }
  [[nodiscard]] std::map<std::string, int> uses() {
    const std::lock_guard lock(mutex_);
    return uses_;
  }

 private:
  std::mutex mutex_;
  int logins_ = 0, uses_of_a_token_ = 1'000'000;
  std::map<std::string, int> uses_;
  Server server_;
};

TEST(HttpSessions, LogInOnceEachAndCarryTheirToken) {
  LoginServer server;
  const auto told = run_for(300ms, http_load(server.port(), 500, server.args(5)));
  EXPECT_THAT(told.errors(), ElementsAre(Pair("good", told.samples.size())));
  EXPECT_EQ(server.logins(), 5);
  const auto uses = server.uses();
  EXPECT_EQ(uses.size(), 5u);
  for (const auto& [token, times] : uses) {
    EXPECT_NEAR(times, told.samples.size() / 5.0, 1) << token;
  }
}

TEST(HttpSessions, LogInAgainWhenTheTokenDoesNotHoldAnyMore) {
  LoginServer server;
  server.revoke_after(10);
  const auto told = run_for(300ms, http_load(server.port(), 100, server.args(1)));
  auto errors = told.errors();
  EXPECT_GE(server.logins(), 3);
  EXPECT_NEAR(errors["status 401"], server.logins() - 1, 1);
  EXPECT_GE(errors["good"], 27);
  EXPECT_EQ(errors.size(), 2u);
}

TEST(HttpSessions, ALoginThatFailsIsNamedAsOne) {
  Listening closed(http_answer("403 Forbidden")), silent(json_answer("{}"));
  Listening forges(json_answer(R"({"token":"t\r\nX-Tenant: other"})"));
  const Json args = {{"sessions", {{"count", 1}, {"login", {{"path", "/login"}}}}}};
  EXPECT_THAT(run_for(60ms, http_load(closed.port(), 50, args)).errors(),
              ElementsAre(Pair("login: status 403", Ge(3))));
  EXPECT_THAT(run_for(60ms, http_load(silent.port(), 50, args)).errors(),
              ElementsAre(Pair("login: no token", Ge(3))));
  EXPECT_THAT(run_for(60ms, http_load(forges.port(), 50, args)).errors(),
              ElementsAre(Pair("login: no token", Ge(3))));
}
