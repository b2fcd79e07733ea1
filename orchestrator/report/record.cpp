#include "orchestrator/report/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace faultline::report {
namespace {

const Json null_json;
const Json empty_list = Json::array();
const Json empty_object = Json::object();

const Json& field_of(const Json& object, std::string_view field) {
  if (object.is_object()) {
    if (const auto found = object.find(field); found != object.end()) {
      return *found;
    }
  }
  return null_json;
}

/// Rounded to at most `digits` significant ones, without trailing zeros.
std::string significant(double value, int digits) {
  return fmt::format("{:.{}g}", value, digits);
}

}  // namespace

std::string text(const Json& object, std::string_view field) {
  const auto& found = field_of(object, field);
  return found.is_string() ? found.get<std::string>() : std::string();
}

std::optional<double> number(const Json& object, std::string_view field) {
  const auto& found = field_of(object, field);
  return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
}

bool flag(const Json& object, std::string_view field) {
  const auto& found = field_of(object, field);
  return found.is_boolean() && found.get<bool>();
}

const Json& list(const Json& object, std::string_view field) {
  const auto& found = field_of(object, field);
  return found.is_array() ? found : empty_list;
}

const Json& object(const Json& object, std::string_view field) {
  const auto& found = field_of(object, field);
  return found.is_object() ? found : empty_object;
}

std::vector<std::string> texts(const Json& object, std::string_view field) {
  std::vector<std::string> out;
  for (const auto& item : list(object, field)) {
    if (item.is_string()) {
      out.push_back(item.get<std::string>());
    }
  }
  return out;
}

std::optional<double> offset_ms(const Json& object, std::string_view field) {
  return number(object, std::string(field) + "_offset_ms");
}

std::string brief_ms(double ms) {
  constexpr double second = 1000;
  constexpr double minute = 60 * second;
  if (ms < 0) {
    return "-" + brief_ms(-ms);
  }
  if (ms < 999.5) {
    return fmt::format("{} ms", ms < 99.5 ? significant(ms, 2) : fmt::format("{:.0f}", ms));
  }
  return ms < 2 * minute ? significant(ms / second, 3) + " s"
                         : significant(ms / minute, 3) + " min";
}

std::string brief(double value, std::string_view unit) {
  if (unit == "ms") {
    return brief_ms(value);
  }
  if (unit == "%" || unit == "percent") {
    // Rounded down: 99.996 % is not 100 %.
    return fmt::format("{:g} %", std::floor(value * 100) / 100);
  }
  const auto figure = std::floor(value) == value ? grouped(value) : significant(value, 4);
  return unit.empty() ? figure : fmt::format("{} {}", figure, unit);
}

std::string grouped(double count) {
  auto digits = fmt::format("{:.0f}", std::abs(count));
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return (count < 0 ? "-" : "") + digits;
}

std::string asked(const Json& objective) {
  const auto threshold = number(objective, "objective");
  if (!threshold) {
    return "not known";
  }
  const auto sli = text(objective, "sli");
  if (sli == "quiet") {
    return "quiet";
  }
  const auto said = text(objective, "comparison");
  const bool at_least = sli == "good" || sli == "served";  // of a record that does not say it
  const auto comparison = said == ">="   ? "≥"
                          : said == "<=" ? "≤"
                          : said.empty() ? (at_least ? "≥" : "≤")
                                         : said;
  return fmt::format("{} {}", comparison, brief(*threshold, text(objective, "unit")));
}

std::string measured(const Json& record, const Json& objective) {
  if (text(objective, "sli") == "recovery") {
    if (const auto& recovery = recovery_of(record, text(objective, "probe"));
        flag(recovery, "censored")) {
      return recovery_actual(recovery);
    }
  }
  const auto value = number(objective, "measured");
  const auto sli = text(objective, "sli");
  if (sli == "alert" || sli == "quiet") {
    return value                                          ? "fired after " + brief_ms(*value)
           : text(objective, "verdict") == "inconclusive" ? "not known"
                                                          : "did not fire";
  }
  if (!value && sli == "latency" && number(objective, "samples").value_or(0) > 0) {
    return "slower than any";  // the percentile falls among bad requests
  }
  return value ? brief(*value, text(objective, "unit")) : "not measured";
}

std::string objective_in_words(const Json& record, const Json& objective) {
  const auto percentile = number(objective, "percentile");
  return fmt::format("{} {} {}, objective {}", text(objective, "probe"),
                     percentile ? fmt::format("p{:g}", *percentile) : text(objective, "sli"),
                     measured(record, objective), asked(objective));
}

std::string stop_condition_in_words(const Json& condition) {
  std::string words = text(condition, "condition");
  const auto met_at = offset_ms(condition, "met_at");
  const auto worst = number(condition, "worst");
  const auto looks = number(condition, "looks").value_or(0);
  const auto blind = number(condition, "looks_without_requests").value_or(0);
  if (flag(condition, "met")) {
    words += met_at ? fmt::format(": met at {:+.1f} s", *met_at / 1000) : ": met";
  } else {
    words += ": not met";
  }
  if (worst) {
    words += fmt::format(", at worst {:.4g} {}", *worst, text(condition, "unit"));
  }
  if (blind > 0 || looks == 0) {
    words += fmt::format("; {} of {} looks saw no request", grouped(blind), grouped(looks));
  }
  return words;
}

std::string afterwards_in_words(const Json& entry) {
  const auto reason = text(entry, "reason");
  return fmt::format("{}, {}: {}; by {}{}", text(entry, "at"), text(entry, "resource"),
                     text(entry, "words"), text(entry, "by"),
                     reason.empty() ? "" : ", because: " + reason);
}

const Json& recovery_of(const Json& record, std::string_view subject) {
  for (const auto& recovery : list(record, "recovery")) {
    if (text(recovery, "probe") == subject || text(recovery, "store") == subject) {
      return recovery;
    }
  }
  return null_json;
}

std::string recovery_subject(const Json& recovery) {
  const auto store = text(recovery, "store");
  return store.empty() ? text(recovery, "probe") : store;
}

std::string recovery_actual(const Json& recovery) {
  const auto actual = number(recovery, "actual_ms");
  if (!actual) {
    return "not measured";
  }
  return (flag(recovery, "censored") ? "> " : "") + brief_ms(*actual);
}

const Json& worst_recovery(const Json& record) {
  const Json* worst = &null_json;
  double most = -1;
  for (const auto& recovery : list(record, "recovery")) {
    const auto objective = number(recovery, "objective_ms");
    const auto actual = number(recovery, "actual_ms");
    // Without an objective it cannot be missed: it counts least, but is better than nothing.
    const double share = actual && objective && *objective > 0 ? *actual / *objective : 0;
    if (share > most) {
      most = share;
      worst = &recovery;
    }
  }
  return *worst;
}

std::optional<double> good_percent(const Json& probe) {
  const auto good = number(probe, "good");
  const auto requests = number(probe, "requests");
  return good && requests && *requests > 0 ? std::optional(100 * *good / *requests) : std::nullopt;
}

const Json& worst_probe(const Json& record) {
  const auto named = [&record](const Json& probe) {
    const auto& objectives = list(record, "objectives");
    return std::any_of(objectives.begin(), objectives.end(), [&probe](const Json& objective) {
      const auto sli = text(objective, "sli");
      return sli != "recovery" && sli != "lost" && text(objective, "probe") == text(probe, "name");
    });
  };
  // The smaller share of good; among equals, the slower.
  const auto rank = [](const Json& probe) {
    const double slowest = std::numeric_limits<double>::infinity();
    return std::pair(*good_percent(probe), -number(probe, "p99_ms").value_or(slowest));
  };
  const Json* worst = &null_json;
  for (const auto& probe : list(record, "probes")) {
    if (good_percent(probe) && named(probe) && (worst->is_null() || rank(probe) < rank(*worst))) {
      worst = &probe;
    }
  }
  return *worst;
}

namespace {

/// In percent; a promise about a count of bad requests says it, too.
std::optional<double> share_of(const Json& objective) {
  const auto measured = number(objective, "measured");
  if (!measured || text(objective, "unit") == "%") {
    return measured;
  }
  const auto samples = number(objective, "samples");
  return text(objective, "sli") == "bad" && samples && *samples > 0
             ? std::optional(100 * (1 - *measured / *samples))
             : std::nullopt;
}

}  // namespace

const Json& worst_share(const Json& record) {
  const auto rank = [](const Json& objective) {
    return std::pair(*share_of(objective), text(objective, "phase") != "method");
  };
  const Json* worst = &null_json;
  for (const auto& objective : list(record, "objectives")) {
    if (share_of(objective) && (worst->is_null() || rank(objective) < rank(*worst))) {
      worst = &objective;
    }
  }
  return *worst;
}

std::optional<double> worst_good_percent(const Json& record) {
  const auto& worst = worst_share(record);
  return worst.is_null() ? good_percent(worst_probe(record)) : share_of(worst);
}

std::optional<double> lost_writes(const Json& record) {
  std::optional<double> sum;
  for (const auto& probe : list(record, "probes")) {
    if (const auto lost = number(object(probe, "writes"), "lost")) {
      sum = sum.value_or(0) + *lost;
    }
  }
  return sum;
}

}  // namespace faultline::report
