#include "orchestrator/report/html.hpp"

#include "orchestrator/report/markup.hpp"
#include "tests/report/fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

namespace faultline::report {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(HtmlPage, TellsTheWholeStoryOfARun) {
  const auto page = html_page({failed_record()});
  EXPECT_THAT(page, HasSubstr("<title>redis_failover: failed · Faultline</title>"));
  EXPECT_THAT(page, HasSubstr("sessions writable again within 5 s: 31.82 s")) << "the reason";
  EXPECT_THAT(page, HasSubstr("survive the loss of the session store&#39;s primary"));
  EXPECT_THAT(page, HasSubstr("31.8 s<small> of 5 s"));
  EXPECT_THAT(page, HasSubstr("connect to 10.0.1.20:6379 from a-router"));
  EXPECT_THAT(page, HasSubstr("start a-redis again")) << "the undo";
  EXPECT_THAT(page, HasSubstr("nothing left behind"));
  EXPECT_THAT(page, HasSubstr("cache sessions primary: a-redis -&gt; b-redis"));
  EXPECT_THAT(page, HasSubstr(failed_record()["script_sha256"].get<std::string>()));
  EXPECT_THAT(page, HasSubstr("<details><summary>16 events"));
  EXPECT_THAT(page, HasSubstr(R"(<svg class="recovery")"));
  EXPECT_THAT(page, HasSubstr("not measured</text>")) << "the detection";
  EXPECT_EQ(count(page, R"(<svg class="probe")"), 3u);
  EXPECT_EQ(count(page, R"(<svg class="timeline")"), 1u);
}

TEST(HtmlPage, SaysWhatBecameOfWhatWasLeftBehind) {
  auto record = failed_record();
  record["afterwards"] = {{{"at", "2026-11-20T12:40:00.000Z"},
                           {"by", "ann"},
                           {"resource", "zone b"},
                           {"reason", "rebuilt <by hand>"},
                           {"words", "zone_loss: accepted as it is"}}};
  EXPECT_THAT(
      html_page({record}),
      HasSubstr("Afterwards</dt><dd>2026-11-20T12:40:00.000Z, zone b: zone_loss: accepted as "
                "it is; by ann, because: rebuilt &lt;by hand&gt;</dd>"));
}

TEST(HtmlPage, ABudgetThatIsHardlyTouchedIsNotWrittenInPowersOfTen) {
  auto record = passed_record();
  record["objectives"][0]["budget_28d_percent"] = 5.5e-05;
  const auto page = html_page({record});
  EXPECT_THAT(page, HasSubstr("&lt; 0.01 %"));
  EXPECT_THAT(page, Not(HasSubstr("e-05")));
}

TEST(HtmlPage, OfSeveralRunsBeginsWithATableOfThem) {
  const auto page = html_page(sample_records());
  EXPECT_THAT(page, HasSubstr(R"(<a href="#run-2">redis_failover</a>)"));
  EXPECT_EQ(count(page, "<article"), 2u);
  EXPECT_THAT(html_page({passed_record()}), Not(HasSubstr("#run-1\"")));
}

TEST(HtmlPage, RefersToNothingOutsideItself) {
  const auto page = html_page(sample_records());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  const std::regex reference(R"re((src|href|url|@import)\s*[=(]\s*["']?([^#"')\s]+))re");
  for (std::sregex_iterator at(page.begin(), page.end(), reference), end; at != end; ++at) {
    ADD_FAILURE() << at->str();
  }
}

/// Puts `poison` in the place of every text of a record, names of fields included.
void poison_texts(json& value, const std::string& poison) {
  if (value.is_string()) {
    value = poison;
  } else if (value.is_array()) {
    for (auto& item : value) {
      poison_texts(item, poison);
    }
  } else if (value.is_object()) {
    for (auto& [name, item] : value.items()) {
      poison_texts(item, poison);
    }
    for (const auto* by_name : {"errors", "versions"}) {
      if (value.contains(by_name)) {
        value[by_name][poison] = 1;
      }
    }
  }
}

TEST(HtmlPage, NoTextOfARecordBecomesMarkup) {
  auto record = failed_record();
  poison_texts(record, R"("><script>alert(1)</script><img src=x onerror='alert(2)'>{{script}})");
  const auto page = html_page({record, record});
  EXPECT_EQ(count(page, "<script"), 1u) << "the page's own";
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("onerror='")));
  EXPECT_EQ(count(page, "'use strict'"), 1u) << "slots are not filled in values";
}

TEST(HtmlPage, IsWholeWhenLittleIsKnown) {
  for (const auto& record :
       {json(), json::object(), json{{"verdict", 3}, {"probes", {1, nullptr}}},
        json{{"faults", {{{"id", nullptr}}}}, {"recovery", json::array({{}})}}}) {
    EXPECT_THAT(html_page({record}), HasSubstr("</html>"));
  }
  EXPECT_THAT(html_page({}), HasSubstr("</html>"));
}

/// The fields of a record vanish one after the other, at every depth.
void remove_each(json& value, const std::function<void()>& look) {
  if (value.is_object()) {
    std::vector<std::string> names;
    for (const auto& [name, item] : value.items()) {
      names.push_back(name);
    }
    for (const auto& name : names) {
      const json kept = value[name];
      value[name] = nullptr;
      look();
      value[name] = kept;
      remove_each(value[name], look);
    }
  } else if (value.is_array() && !value.empty()) {
    remove_each(value[0], look);
  }
}

TEST(HtmlPage, AnyFieldMayBeNull) {
  auto record = failed_record();
  for (auto& probe : record["probes"]) {
    probe["series"].erase(probe["series"].begin() + 2, probe["series"].end());
  }
  int pages = 0;
  remove_each(record, [&] {
    EXPECT_THAT(html_page({record}), HasSubstr("</html>"));
    ++pages;
  });
  EXPECT_GT(pages, 100);
}

TEST(HtmlPage, OfALongRunMergesSeconds) {
  auto record = passed_record();
  auto& series = record["probes"][0]["series"];
  series = json::array();
  for (int i = 0; i < 7200; ++i) {
    series.push_back({{"t_ms", i * 1000},
                      {"good", 100},
                      {"degraded", 0},
                      {"bad", i == 5000 ? 1 : 0},
                      {"p50_ms", 2.0},
                      {"p99_ms", 8.0}});
  }
  const auto page = html_page({record});
  EXPECT_LT(page.size(), 400'000u);
  EXPECT_THAT(page, HasSubstr(",1.0,2.0,8.0]")) << "the one bad request is still there";
}

/// Found by fuzzing: the grid of such a chart never ended.
TEST(HtmlPage, ATimeBeyondReasonIsDrawnAllTheSame) {
  const auto record = json::parse(R"({"probes": [{"series": [{"t_ms": 1e308, "good": -1}]}]})");
  EXPECT_LT(html_page({record}).size(), 100'000u);
}

TEST(Markup, FillsSlotsOnce) {
  EXPECT_EQ(fill("a {{x}} {{y}} {{z}}", {{"x", "{{y}}"}, {"y", "2"}}), "a {{y}} 2 ");
  EXPECT_EQ(fill("open {{x", {{"x", "1"}}), "open {{x");
}

}  // namespace
}  // namespace faultline::report
