#include "targets/prometheus/alerts.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>

namespace faultline::prometheus {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

/// A day: a longer interval is garbage, and a longer `for` is of no use in a drill.
constexpr double max_seconds = 10 * 86'400.0;
constexpr std::size_t max_rules = 10'000;

[[noreturn]] void garbage(const std::string& what) {
  throw Failure({ErrorKind::io, "expected Prometheus' list of alerting rules, found " + what});
}

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

milliseconds duration_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number() || !(found->get<double>() >= 0) ||
      found->get<double>() > max_seconds) {
    garbage(fmt::format("no number of seconds for '{}'", name));
  }
  return milliseconds(std::llround(found->get<double>() * 1000));
}

/// Decimal digits that are all of `text`.
int digits(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    garbage("a time that is none");
  }
  return value;
}

/// The offset of "Z", "+02:00".
std::chrono::minutes offset_of(std::string_view zone) {
  if (zone == "Z") {
    return {};
  }
  if (zone.size() != 6 || zone[3] != ':' || (zone[0] != '+' && zone[0] != '-')) {
    garbage("a time without a zone");
  }
  const std::chrono::minutes minutes(digits(zone.substr(1, 2)) * 60 + digits(zone.substr(4)));
  return zone[0] == '-' ? -minutes : minutes;
}

/// RFC 3339, as Go writes it, down to ms; none for Go's zero time, the year 1.
std::optional<WallTime> time_of(const std::string& text) {
  using namespace std::chrono;
  const std::string_view all(text);
  if (all.size() < 20) {
    garbage("a time that is none");
  }
  const year_month_day date(year(digits(all.substr(0, 4))),
                            month(static_cast<unsigned>(digits(all.substr(5, 2)))),
                            day(static_cast<unsigned>(digits(all.substr(8, 2)))));
  if (!date.ok()) {
    garbage("a time that is none");
  }
  if (date.year() == year(1)) {
    return {};
  }
  const auto zone = all.find_first_of("Z+-", 19);
  if (zone == std::string_view::npos) {
    garbage("a time without a zone");
  }
  std::string ms(all.substr(19, zone - 19));  // ".732030604" or nothing
  ms = (ms + (ms.empty() ? ".000" : "000")).substr(1, 3);
  return WallTime(sys_days(date)) + hours(digits(all.substr(11, 2))) +
         minutes(digits(all.substr(14, 2))) + seconds(digits(all.substr(17, 2))) +
         milliseconds(digits(ms)) - offset_of(all.substr(zone));
}

AlertRule rule_of(const Json& rule, const Json& group) {
  const auto last = text_of(rule, "lastEvaluation");
  AlertRule out{text_of(rule, "name"),
                text_of(group, "name"),
                duration_of(group, "interval"),
                duration_of(rule, "duration"),
                last.empty() ? std::nullopt : time_of(last),
                {}};
  if (text_of(rule, "health") == "err") {
    const auto why = text_of(rule, "lastError");
    out.trouble = why.empty() ? "its evaluation fails" : why;
  }
  return out;
}

void add_rules_of(const Json& group, std::vector<AlertRule>& all) {
  const auto rules = group.is_object() ? group.find("rules") : group.end();
  if (!group.is_object() || rules == group.end() || !rules->is_array()) {
    garbage("a group without rules");
  }
  for (const auto& rule : *rules) {
    if (!rule.is_object()) {
      garbage("a rule that is none");
    }
    if (text_of(rule, "type") == "alerting") {  // an older server sends the others, too
      all.push_back(rule_of(rule, group));
    }
  }
  if (all.size() > max_rules) {
    throw Failure(
        {ErrorKind::refused,
         fmt::format("Prometheus has more than {} alerting rules, the limit", max_rules)});
  }
}

}  // namespace

Result<std::vector<AlertRule>> parse_alert_rules(int status, std::string_view body) {
  Envelope envelope;
  const auto data = open_envelope(status, body, envelope);
  if (!data) {
    return data.error();
  }
  try {
    const auto groups = data->is_object() ? data->find("groups") : data->end();
    if (!data->is_object() || groups == data->end() || !groups->is_array()) {
      garbage("no groups");
    }
    std::vector<AlertRule> all;
    for (const auto& group : *groups) {
      add_rules_of(group, all);
    }
    return all;
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace faultline::prometheus
