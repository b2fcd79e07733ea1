#include "targets/prometheus/client.hpp"
#include "tests/integration/prometheus_server.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

/// A real Prometheus that scrapes a node of the real lab, and a run that is judged by it.
namespace faultline::integration {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

constexpr auto scrape_interval = "200ms";
const std::string rules = R"(
groups:
- name: drill
  interval: 200ms
  rules:
  - {alert: NodeGone, expr: up == 0}
  - {alert: NeverFires, expr: up > 9}
)";

class MonitoredTest : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome up = home_.run({"lab", "up"});
    ASSERT_EQ(up.code, 0) << up.err;
    node_ = home_.start({"lab", "forward", "c-spot:8080"});
    ASSERT_TRUE(node_->says("leads to"));
    const auto port = node_->out().substr(node_->out().find(':') + 1);
    server_ = std::make_unique<PrometheusServer>(
        fmt::format(
            "global: {{scrape_interval: {0}, scrape_timeout: {0}, evaluation_interval: {0}}}\n"
            "scrape_configs: [{{job_name: saas, static_configs: [{{targets: "
            "['127.0.0.1:{1}']}}]}}]\n",
            scrape_interval, std::stoi(port)),
        rules);
    ASSERT_TRUE(scrapes()) << server_->log();
  }
  /// A method's body, judged by the steady state of `slo` besides.
  json run(const std::string& slo, const std::string& body) {
    std::ifstream quick(sources() + "/tests/integration/quick.lua");
    std::string text{std::istreambuf_iterator<char>(quick), {}};
    const std::string start = "return environment {", steady = "slo = { ";
    text.insert(text.find(start) + start.size(),
                fmt::format("\n  prometheus = {{ url = \"{}\", scrape_interval = 200*ms }},",
                            server_->url()));
    text.insert(text.find(steady) + steady.size(), slo + ", ");
    const Outcome told =
        home_.run({"run",
                   file("experiment.lua",
                        "return experiment { name = 'test', hypothesis = 'they notice',\n"
                        "method = function(run)\n" +
                            body + "\nend }\n"),
                   "--env", file("env.lua", text), "--json", "-"});
    const json record = json::parse(told.out, nullptr, false);
    EXPECT_FALSE(record.is_discarded()) << told.err;
    return record;
  }
  static json objective(const json& record, const std::string& name, const std::string& phase) {
    for (const auto& o : record["objectives"]) {
      if (o["name"].get<std::string>().starts_with(name) && o["phase"] == phase) {
        return o;
      }
    }
    return {};
  }

  TemporaryHome home_;

 private:
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    const auto path = home_.path() / name;
    std::ofstream(path) << text;
    return path.string();
  }
  /// Its discovery waits for 5 s before the first scrape.
  [[nodiscard]] bool scrapes() const {
    boost::asio::io_context io{1};
    web::Client web{io.get_executor()};
    prometheus::Client client{web, {.url = server_->url()}};
    for (int i = 0; i < 100; ++i) {
      bool up = false;
      const auto now = std::chrono::floor<WallTime::duration>(std::chrono::system_clock::now());
      client.query("up == 1", now, [&up](const Result<prometheus::Answer>& answer) {
        up = answer && !answer->series.empty();
      });
      io.restart();
      io.run();
      if (up) {
        return true;
      }
      std::this_thread::sleep_for(200ms);
    }
    return false;
  }

  std::unique_ptr<Program> node_;
  std::unique_ptr<PrometheusServer> server_;
};

TEST_F(MonitoredTest, TheirAlertFiresWhenTheNodeIsGoneAndItsMetricsComeBack) {
  const json record = run(R"lua(nodes = metric("sum(up)", { above = 1, take = "min" }),
      silent = quiet "NeverFires")lua",
                          R"lua(
    local gone = run:inject(fault.spot_reclaim { instances = "c-spot", notice = 1*s, grace = 1*s,
                                                 replace_after = 1*s })
    run:expect(alert "NodeGone", { from = gone, within = 20*s })
    run:wait(3*s)
    run:expect(metric("sum(up)", { above = 1 }), { over = 2*s })
    run:expect(metric("max(faultline_saas_requests_total{no='such'})",
                      { below = 1, name = "none" }), { over = 1*s }))lua");
  const auto fired = objective(record, "alert NodeGone", "method");
  EXPECT_EQ(fired["verdict"], "passed") << fired;
  EXPECT_GT(fired["measured"], 900) << "not before its notice was over";
  EXPECT_LT(fired["measured"], 20'000);
  EXPECT_EQ(objective(record, "last of sum(up)", "method")["verdict"], "passed")
      << record["reason"];
  EXPECT_EQ(objective(record, "min of sum(up)", "baseline")["verdict"], "passed");
  EXPECT_EQ(objective(record, "alert NeverFires does not fire", "baseline")["verdict"], "passed");
  const auto none = objective(record, "last of none", "method");
  EXPECT_EQ(none["verdict"], "inconclusive");
  EXPECT_THAT(none["reason"].get<std::string>(), HasSubstr("no data is not a pass"));
  EXPECT_EQ(record["verdict"], "inconclusive") << "whatever else passed";
}

}  // namespace
}  // namespace faultline::integration
