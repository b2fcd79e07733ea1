#include "orchestrator/slo/openslo_shapes.hpp"
#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

#include <sstream>

/// `slo.import`: OpenSLO documents become promises about the environment's Prometheus.
namespace faultline::script {
namespace {

using engine::Expectation;
using prometheus::Take;
using slo::Comparison;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using namespace std::chrono_literals;

const std::string source_dir = FAULTLINE_SOURCE_DIR;

std::string text_of(const std::string& file) {
  std::ifstream in(source_dir + "/" + file);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty()) << file;
  return text.str();
}

std::string document(const std::string& name) {
  return text_of("tests/slo/openslo/" + name + ".yaml");
}

/// The text with the first `from` in it replaced.
std::string edited(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

/// An environment that imports slo.yaml, with these fields besides.
Result<engine::Environment> import(
    const std::string& yaml, const std::string& fields = "slo = slo.import 'slo.yaml'",
    const std::string& server = "prometheus = { url = 'http://127.0.0.1:9090' }",
    const std::string& baseline = "1*hour") {
  const Folder folder;
  folder.write("slo.yaml", yaml);
  return load_environment(
      folder
          .write("env.lua", "return environment { name = 'x', baseline = " + baseline + ",\n" +
                                server +
                                ",\nprobes = { home = tcp { address = '10.0.0.10:80', rate = 10 } "
                                "},\n" +
                                fields + " }")
          .string(),
      {});
}

std::map<std::string, Expectation> objectives(const std::string& yaml) {
  const auto environment = import(yaml);
  EXPECT_TRUE(environment) << environment.error().message;
  return environment ? environment->objectives : std::map<std::string, Expectation>{};
}

std::string refusal(const std::string& yaml) {
  const auto environment = import(yaml);
  if (environment) {
    return "nothing was refused";
  }
  EXPECT_EQ(environment.error().kind, ErrorKind::usage);
  return environment.error().message;
}

TEST(SloImport, ARatioOfCountersIsTheirShareOfTheWindow) {
  const auto slos = objectives(document("ratio"));
  EXPECT_THAT(
      slos,
      ElementsAre(Key("checkout_availability_1"), Key("checkout_availability_1_burn_fast_burn"),
                  Key("checkout_availability_2"), Key("checkout_availability_2_burn_fast_burn")));
  const auto& promised = slos.at("checkout_availability_1");
  EXPECT_EQ(promised.sli, engine::Sli::metric);
  EXPECT_EQ(promised.subject, "checkout_availability_1");
  EXPECT_EQ(promised.threshold, 0.999) << "exactly: 99.9 / 100 is not";
  EXPECT_EQ(promised.metric.expression,
            R"(sum(increase(http_requests_total{route="/checkout",code!~"5.."}[{{.window}}])) / )"
            R"(sum(increase(http_requests_total{route="/checkout"}[{{.window}}])))");
  EXPECT_EQ(promised.metric.take, Take::last);
  EXPECT_EQ(promised.metric.comparison, Comparison::at_least);
  EXPECT_EQ(promised.over, 0s) << "the window of the phase";
  EXPECT_EQ(promised.place.file, "slo.yaml");
  EXPECT_EQ(promised.place.line, 36);
  EXPECT_EQ(slos.at("checkout_availability_2").threshold, 0.9995);
}

TEST(SloImport, AnAlertOnTheBurnRateIsMetNowhereInTheWindow) {
  const auto burn = objectives(document("ratio")).at("checkout_availability_1_burn_fast_burn");
  EXPECT_EQ(
      burn.metric.expression,
      R"(min_over_time(((1 - ()"
      R"(sum(increase(http_requests_total{route="/checkout",code!~"5.."}[3600s])) / )"
      R"(sum(increase(http_requests_total{route="/checkout"}[3600s])))) / 0.001)[300s:2500ms]))");
  EXPECT_EQ(burn.metric.take, Take::max);
  EXPECT_EQ(burn.metric.comparison, Comparison::at_most) << "it would begin above";
  EXPECT_EQ(burn.threshold, 14.4);
  const auto from = edited(document("ratio"), "op: gt\n", "op: gte\n");
  EXPECT_EQ(objectives(from).at("checkout_availability_1_burn_fast_burn").metric.comparison,
            Comparison::below);
}

TEST(SloImport, ARatioWithoutAWindowIsTheMeanOfItsMoments) {
  const auto slos = objectives(document("referenced"));
  const auto& logins = slos.at("login_availability");
  EXPECT_EQ(logins.metric.expression, R"(1 - sum(sum(rate(logins_total{result="error"}[1m]))) / )"
                                      R"(sum(sum(rate(logins_total[1m]))))");
  EXPECT_EQ(logins.metric.take, Take::mean);
  EXPECT_EQ(logins.metric.url, "http://127.0.0.1:9090");
  EXPECT_EQ(slos.at("login_availability_burn_slow_burn").metric.expression,
            "(1 - (avg_over_time((" + logins.metric.expression + ")[259200s:2160s]))) / 0.01");
}

TEST(SloImport, RatiosAreTakenAsTheyAre) {
  const auto slos = objectives(
      edited(document("raw"), "https://prometheus.example.com/", "http://127.0.0.1:9090/"));
  const auto& hits = slos.at("catalog_hits");
  EXPECT_EQ(hits.metric.expression, "avg_over_time(catalog:hits:ratio[{{.window}}])");
  EXPECT_EQ(hits.metric.take, Take::last);
  EXPECT_EQ(hits.threshold, 0.9);
  const auto& errors = slos.at("catalog_errors");
  EXPECT_EQ(errors.metric.expression, "1 - (catalog:errors:ratio_rate1m)");
  EXPECT_EQ(errors.metric.take, Take::mean);
}

TEST(SloImport, AThresholdIsTheShareOfMomentsThatKeepIt) {
  const auto drained = objectives(document("threshold")).at("queue_is_drained");
  EXPECT_THAT(drained.metric.expression,
              AllOf(HasSubstr(R"((sum by (stream) (queue_waiting{stream!="#dead"})))"),
                    HasSubstr(" <= bool 250")));
  EXPECT_EQ(drained.metric.take, Take::mean);
  EXPECT_EQ(drained.metric.step, 1s);
  EXPECT_EQ(drained.threshold, 0.95);
}

const std::string increases =
    edited(edited(edited(document("timeslices"), "counter: true", "counter: false"),
                  "sum(webhooks_sent_total)", "sum(increase(webhooks_sent_total[{{.window}}]))"),
           "sum(webhooks_due_total)", "sum(increase(webhooks_due_total[{{.window}}]))");

TEST(SloImport, TimeslicesAreTheShareOfGoodSlices) {
  const auto slos = objectives(increases);
  const auto& minutes = slos.at("webhook_minutes_1");
  EXPECT_EQ(minutes.metric.expression,
            "(sum(sum(increase(webhooks_sent_total[300s]))) / "
            "sum(sum(increase(webhooks_due_total[300s])))) >= bool 0.95");
  EXPECT_EQ(minutes.metric.take, Take::mean);
  EXPECT_EQ(minutes.metric.step, 5min);
  EXPECT_EQ(minutes.threshold, 0.98);
  EXPECT_EQ(slos.at("webhook_minutes_2").metric.step, 1h);
}

TEST(SloImport, SlicesOfAThresholdCountTheMomentsInThem) {
  const auto slos =
      objectives(edited(edited(document("threshold"), "Occurrences", "Timeslices"), "target: 0.95",
                        "target: 0.95\n      timeSliceTarget: 0.9\n      timeSliceWindow: 2m"));
  EXPECT_THAT(slos.at("queue_is_drained").metric.expression,
              HasSubstr(" <= bool 250)[120s:1s])) >= bool 0.9"));
  EXPECT_EQ(slos.at("queue_is_drained").metric.step, 2min);
}

TEST(SloImport, WhatIsWrongInTheDocumentIsSaidWithItsLine) {
  EXPECT_THAT(refusal(edited(document("ratio"), "target: 0.999", "target: 99.9")),
              AllOf(HasSubstr("env.lua:4"), HasSubstr("slo.yaml:37"), HasSubstr("targetPercent")));
  EXPECT_THAT(refusal(edited(document("ratio"), "Occurrences", "RatioTimeslices")),
              HasSubstr("RatioTimeslices is not supported"));
  EXPECT_THAT(refusal("a: [b"), HasSubstr("slo.yaml:"));
}

TEST(SloImport, WhatCannotBeAskedIsRefusedByName) {
  EXPECT_THAT(refusal(document("timeslices")),
              AllOf(HasSubstr("slo.yaml:31: SLO 'webhook-minutes/1'"),
                    HasSubstr("found 'sum(webhooks_sent_total)'"),
                    HasSubstr("write increase(COUNTER[{{.window}}])")));
  EXPECT_THAT(refusal(document("raw")),
              AllOf(HasSubstr("slo 'catalog_hits' (slo.yaml:"),
                    HasSubstr("https://prometheus.example.com/"),
                    HasSubstr("the environment's is at http://127.0.0.1:9090")));
  EXPECT_THAT(refusal(edited(
                  increases, "  objectives:",
                  "  alertPolicies:\n"
                  "    - kind: AlertPolicy\n"
                  "      metadata: { name: p }\n"
                  "      spec:\n"
                  "        conditions:\n"
                  "          - kind: AlertCondition\n"
                  "            metadata: { name: fast }\n"
                  "            spec:\n"
                  "              severity: page\n"
                  "              condition: { kind: burnrate, threshold: 2, lookbackWindow: 1m }\n"
                  "  objectives:")),
              HasSubstr("alert condition 'fast': its lookbackWindow of 60 s holds no slice of 5"));
}

TEST(SloImport, TwoNamesThatBecomeOneAreRefused) {
  const auto one = document("threshold");
  const auto other = edited(one, "queue-is-drained", "queue.is/drained");
  EXPECT_THAT(refusal(one + "\n---\n" + other),
              AllOf(HasSubstr("SLO 'queue.is/drained'"), HasSubstr("queue_is_drained as well"),
                    HasSubstr("in line 23")));
  EXPECT_THAT(refusal(edited(one, "queue-is-drained", "3rd-queue")),
              HasSubstr("'3rd_queue' is no name for a script"));
}

TEST(SloImport, AnEnvironmentMayPickAndMerge) {
  const auto environment = import(document("ratio"),
                                  "slo = { home = good('home', 99), checkout = slo.import("
                                  "'slo.yaml').checkout_availability_2 }");
  ASSERT_TRUE(environment) << environment.error().message;
  EXPECT_THAT(environment->objectives, ElementsAre(Key("checkout"), Key("home")));
  EXPECT_EQ(environment->objectives.at("checkout").threshold, 0.9995);
  const auto misspelt =
      import(document("ratio"), "slo = { c = slo.import('slo.yaml').checkout_availability }");
  ASSERT_FALSE(misspelt) << "an objective that is not there must not be left out";
  EXPECT_THAT(misspelt.error().message,
              HasSubstr("slo.yaml has no objective 'checkout_availability'; did you mean"));
}

TEST(SloImport, NeedsAPrometheusToAsk) {
  const auto environment =
      import(document("threshold"), "slo = slo.import 'slo.yaml'", "zones = {}");
  ASSERT_FALSE(environment);
  EXPECT_THAT(environment.error().message,
              AllOf(HasSubstr("env.lua:"), HasSubstr("slo 'queue_is_drained' (slo.yaml:23)"),
                    HasSubstr("add prometheus = { url = \"http://127.0.0.1:9090\" } to it")));
}

TEST(SloImport, AWindowThatIsNoWholeNumberOfSlicesIsRefused) {
  const auto environment =
      import(increases, "slo = { minutes = slo.import('slo.yaml').webhook_minutes_1 }",
             "prometheus = { url = 'http://127.0.0.1:9090' }", "240*s");
  ASSERT_FALSE(environment);
  EXPECT_THAT(
      environment.error().message,
      AllOf(HasSubstr("slo 'minutes' (slo.yaml:31)"), HasSubstr("slices of 5 min"),
            HasSubstr("its window of 4 min is no whole number of them; use a window of 5 min")));
}

class Bad : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(Bad, PathsAreRefused) {
  const auto environment = import(document("threshold"), "slo = slo.import " + GetParam().first);
  ASSERT_FALSE(environment);
  EXPECT_THAT(environment.error().message, HasSubstr(GetParam().second));
}

INSTANTIATE_TEST_SUITE_P(
    Paths, Bad,
    testing::Values(std::pair{"'/etc/passwd'", "slo.import takes a file of the script's own tree"},
                    std::pair{"'../slo.yaml'", "found '../slo.yaml'"},
                    std::pair{"'no.yaml'", "slo.import \"no.yaml\": no such file"},
                    std::pair{"''", "of the script's own tree"},
                    std::pair{"(7)", "expected a text in quotes, found 7"}));

TEST(SloImport, FollowsNoLinkOutOfTheTree) {
  const Folder outside, folder;
  outside.write("slo.yaml", document("threshold"));
  std::filesystem::create_directories(folder.path() / "a");
  std::filesystem::create_symlink(outside.path() / "slo.yaml", folder.path() / "a" / "slo.yaml");
  const auto environment = load_environment(
      folder.write("a/env.lua", "return environment { name = 'x', slo = slo.import 'slo.yaml' }")
          .string(),
      {});
  ASSERT_FALSE(environment);
  EXPECT_THAT(environment.error().message, HasSubstr("leads out of the script's tree"));
}

TEST(SloImport, TheDocumentBelongsToTheHash) {
  const auto before = import(document("threshold")).value();
  const auto after = import(document("threshold") + "# a word\n").value();
  EXPECT_NE(before.sha256, after.sha256);
  EXPECT_EQ(before.source, after.source);
}

engine::Environment watched_lab() {
  auto lab = lab_environment();
  lab.prometheus.url = "http://127.0.0.1:9090/";
  return lab;
}

TEST(SloImport, AnExperimentExpectsWhatItImported) {
  const Folder folder;
  folder.write("slo.yaml", document("referenced"));
  const auto script =
      folder.write("x.lua", "local written = slo.import 'slo.yaml'\n" +
                                with_method("run:expect(written.login_availability, { over = 20*s "
                                            "})"));
  const auto experiment = load_experiment(script, watched_lab(), {});
  ASSERT_TRUE(experiment) << experiment.error().message;
  const auto steps = dry_run(*experiment, watched_lab(), {lab_world(), lab_capabilities()});
  ASSERT_TRUE(steps) << steps.error().message;
  EXPECT_THAT(steps->steps.at(0).detail["objective"].get<std::string>(),
              HasSubstr("login_availability >= 0.99 over 20 s"));
  const auto unwatched = load_experiment(script, lab_environment(), {});
  ASSERT_FALSE(unwatched);
  EXPECT_THAT(unwatched.error().message, HasSubstr("the environment has none"));
}

TEST(SloImport, BelongsToTheTopOfAScript) {
  EXPECT_THAT(
      wrong_with(with_method("run:expect(slo.import('slo.yaml').x, { over = 9*s })")).message,
      HasSubstr("slo.import belongs to the top of a script"));
}

TEST(Slo, StillNamesTheEnvironmentsObjectives) {
  EXPECT_EQ(wrong_with("local names = slo { 'login' } " + with_method("")).message, "");
  EXPECT_THAT(wrong_with("slo { 'logn' }").message, HasSubstr("did you mean 'login'?"));
  EXPECT_THAT(wrong_with("slo.imprt 'x'").message,
              HasSubstr("slo has no member 'imprt'; did you mean 'import'?"));
}

TEST(SloImport, TheGuideNamesWhatIsSupported) {
  const auto guide = text_of("scripts/lua/README.md");
  for (const auto& kind : slo::openslo_kinds()) {
    EXPECT_THAT(guide, HasSubstr(kind));
  }
}

}  // namespace
}  // namespace faultline::script
