#include "targets/prometheus/answer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace faultline::prometheus {
namespace {

using Json = nlohmann::json;

constexpr int max_json_depth = 16;      ///< values are destroyed recursively; rules take 9
constexpr std::size_t max_shown = 120;  ///< bytes of a foreign text that an error repeats
/// 9999-12-31: later times, and those before 1970, are garbage.
constexpr double last_second = 253'402'300'799.0;

/// The beginning of a foreign text, on one line and harmless to a terminal.
std::string shown(std::string_view text) {
  std::string line;
  for (const char c : text.substr(0, max_shown)) {
    line += c >= ' ' && c <= '~' ? c : ' ';
  }
  return line + (text.size() > max_shown ? "..." : "");
}

[[noreturn]] void garbage(const std::string& what) {
  throw Failure({ErrorKind::io, "expected an answer of Prometheus' HTTP API, found " + what});
}

Json parse_json(std::string_view body) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > max_json_depth;
    return !too_deep;
  };
  auto value = Json::parse(body, limit_depth, false);
  return too_deep ? Json(Json::value_t::discarded) : value;
}

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<std::string> texts_of(const Json& object, const char* name) {
  std::vector<std::string> texts;
  if (const auto found = object.find(name); found != object.end() && found->is_array()) {
    for (const auto& text : *found) {
      texts.push_back(text.is_string() ? text.get<std::string>() : shown(text.dump()));
    }
  }
  return texts;
}

ErrorKind kind_of(int status, const std::string& error_type) {
  static const std::map<std::string, ErrorKind, std::less<>> kinds{
      {"bad_data", ErrorKind::usage},
      {"execution", ErrorKind::usage},
      {"timeout", ErrorKind::timeout},
      {"canceled", ErrorKind::timeout},
      {"not_found", ErrorKind::not_found}};
  if (const auto found = kinds.find(error_type); found != kinds.end()) {
    return found->second;
  }
  return status == 401 || status == 403 ? ErrorKind::refused
         : status == 404                ? ErrorKind::not_found
                                        : ErrorKind::io;
}

WallTime time_of(const Json& value) {
  if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= last_second)) {
    garbage("the time " + shown(value.dump()));
  }
  return WallTime(std::chrono::milliseconds(std::llround(value.get<double>() * 1000)));
}

double number_of(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    garbage("the value " + shown(value.dump()) + " where a number in quotes was expected");
  }
  double number = 0;
  const char* const begin = text->data() + (text->starts_with('+') ? 1 : 0);
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error == std::errc::result_out_of_range && stop == end) {
    return number;  // beyond a double's range, which no server holds either
  }
  if (error != std::errc() || stop != end) {
    garbage("the value '" + shown(*text) + "', which is no number");
  }
  return number;
}

/// [ time, "value" ]
const Json& value_of_pair(const Json& pair) {
  if (!pair.is_array() || pair.size() != 2) {
    garbage(shown(pair.dump()) + " where [time, \"value\"] was expected");
  }
  return pair[1];
}

Sample sample_of(const Json& pair) {
  const auto& value = value_of_pair(pair);
  return {time_of(pair[0]), number_of(value)};
}

Labels labels_of(const Json& metric) {
  if (!metric.is_object()) {
    garbage("a series without labels: " + shown(metric.dump()));
  }
  Labels labels;
  for (const auto& [name, value] : metric.items()) {
    if (!value.is_string()) {
      garbage("the label " + shown(name) + " with the value " + shown(value.dump()));
    }
    labels.emplace(name, value.get<std::string>());
  }
  return labels;
}

Series series_of(const Json& entry, Shape shape) {
  if (!entry.is_object()) {
    garbage(shown(entry.dump()) + " where a series was expected");
  }
  Series series{labels_of(entry.value("metric", Json())), {}};
  if (entry.contains("histogram") || entry.contains("histograms")) {
    throw Failure({ErrorKind::unsupported,
                   fmt::format("{} is a native histogram, which is no figure; take one of it, for "
                               "instance histogram_quantile(0.99, ...)",
                               to_string(series.labels))});
  }
  if (shape == Shape::vector) {
    series.samples.push_back(sample_of(entry.value("value", Json())));
    return series;
  }
  const auto values = entry.value("values", Json());
  if (!values.is_array()) {
    garbage("a series without values: " + shown(entry.dump()));
  }
  if (values.size() > max_points) {
    throw Failure({ErrorKind::refused,
                   fmt::format("{} has {} points, the limit is {}; ask for a longer step or a "
                               "shorter window",
                               to_string(series.labels), values.size(), max_points)});
  }
  for (const auto& pair : values) {
    series.samples.push_back(sample_of(pair));
  }
  if (!std::ranges::is_sorted(series.samples, {}, &Sample::at)) {
    garbage(to_string(series.labels) + " with points that are not in order of time");
  }
  return series;
}

std::vector<Series> all_series_of(const Json& result, Shape shape) {
  if (!result.is_array()) {
    garbage("the result " + shown(result.dump()));
  }
  if (result.size() > max_series) {
    throw Failure({ErrorKind::refused,
                   fmt::format("the expression yields {} series, the limit is {}; aggregate them, "
                               "for instance with sum(...)",
                               result.size(), max_series)});
  }
  std::vector<Series> all;
  for (const auto& entry : result) {
    all.push_back(series_of(entry, shape));
  }
  return all;
}

Answer answer_of(const Json& data, Envelope envelope) {
  Answer answer{.warnings = std::move(envelope.warnings), .infos = std::move(envelope.infos)};
  const auto type = data.is_object() ? text_of(data, "resultType") : "";
  const auto result = data.is_object() ? data.value("result", Json()) : Json();
  if (type == "vector" || type == "matrix") {
    answer.shape = type == "vector" ? Shape::vector : Shape::matrix;
    answer.series = all_series_of(result, answer.shape);
  } else if (type == "scalar") {
    answer.shape = Shape::scalar;
    answer.series.push_back({{}, {sample_of(result)}});
  } else if (type == "string") {
    answer.shape = Shape::string;
    const auto& text = value_of_pair(result);
    answer.text = text.is_string() ? text.get<std::string>() : text.dump();
  } else {
    garbage("a result of the type '" + shown(type) + "'");
  }
  return answer;
}

}  // namespace

std::string to_string(const Labels& labels) {
  std::string name, rest;
  for (const auto& [label, value] : labels) {
    if (label == "__name__") {
      name = value;
    } else {
      rest += (rest.empty() ? "" : ",") + label + '=' + promql_string(value);
    }
  }
  return rest.empty() && !name.empty() ? name : name + '{' + rest + '}';
}

Result<Json> open_envelope(int status, std::string_view body, Envelope& envelope) {
  const auto json = parse_json(body);
  const auto state = json.is_object() ? text_of(json, "status") : "";
  if (state == "error") {
    const auto type = text_of(json, "errorType");
    return Error{kind_of(status, type), fmt::format("Prometheus answers {} ({}): {}", status, type,
                                                    shown(text_of(json, "error")))};
  }
  if (status < 200 || status >= 300) {
    return Error{kind_of(status, ""),
                 fmt::format("expected an answer of Prometheus' HTTP API, found HTTP status {}: {}",
                             status, shown(body))};
  }
  if (state != "success" || !json.contains("data")) {
    const auto* what = json.is_discarded() ? "what is not JSON, or not all of it: " : "";
    return Error{
        ErrorKind::io,
        fmt::format("expected an answer of Prometheus' HTTP API, found {}{}", what, shown(body))};
  }
  envelope = {texts_of(json, "warnings"), texts_of(json, "infos")};
  return ok(json["data"]);
}

Result<Answer> parse_answer(int status, std::string_view body) {
  Envelope envelope;
  const auto data = open_envelope(status, body, envelope);
  if (!data) {
    return data.error();
  }
  try {
    return answer_of(*data, std::move(envelope));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

std::string promql_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    out += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  }
  return out + '"';
}

}  // namespace faultline::prometheus
