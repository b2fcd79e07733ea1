#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading a run record (schema faultline.run/1) without trusting it: a field that is missing, null
/// or of another type is "not known", never an exception. Records come from files, too.
namespace faultline::report {

using Json = nlohmann::json;

/// Empty when not known.
std::string text(const Json& object, std::string_view field);
std::optional<double> number(const Json& object, std::string_view field);
bool flag(const Json& object, std::string_view field);
/// An empty array or object when not known.
const Json& list(const Json& object, std::string_view field);
const Json& object(const Json& object, std::string_view field);
/// The texts of an array of texts.
std::vector<std::string> texts(const Json& object, std::string_view field);

/// The `_offset_ms` twin of a wall-clock field: ms from the start of the run.
std::optional<double> offset_ms(const Json& object, std::string_view field);

/// "4.2 ms", "850 ms", "2.31 s", "31.8 s", "2.5 min".
std::string brief_ms(double ms);
/// A measured value with its unit ("ms" as a duration): "97.3 %", "2.31 s", "3 writes".
std::string brief(double value, std::string_view unit);
/// "12,000".
std::string grouped(double count);

/// What an objective asks for: "≥ 97 %", "≤ 5 s", by its `sli`.
std::string asked(const Json& objective);
/// What an objective got: "98.2 %", "> 60 s" when the observation was capped, "not measured".
std::string measured(const Json& record, const Json& objective);
/// "sessions recovery 31.8 s, objective ≤ 5 s". Also for an objective event, with a null `record`.
std::string objective_in_words(const Json& record, const Json& objective);
/// "login < 50 % good over 1 s: met at +14.2 s", or how near it came.
std::string stop_condition_in_words(const Json& condition);
/// What became of something that the run left behind: "2026-11-20T12:10:00.000Z, zone b: zone_loss:
/// accepted as it is, undo incomplete: ...; by ann, because: rebuilt by hand".
std::string afterwards_in_words(const Json& entry);
/// The record's entry in `recovery` for a probe, a cache or a database, or null.
const Json& recovery_of(const Json& record, std::string_view subject);
/// What recovered: its cache or database where that is known, else its probe.
std::string recovery_subject(const Json& recovery);
/// "2.31 s", "> 60 s" or "not measured".
std::string recovery_actual(const Json& recovery);

/// The recovery that missed its objective by most, or came nearest to missing it; null when none.
const Json& worst_recovery(const Json& record);
/// The probe that an objective names and that users could use least; null when none.
const Json& worst_probe(const Json& record);
/// The objective in percent that was kept least; among equals one of the method. Null when none.
const Json& worst_share(const Json& record);
/// What it measured, else the worst probe's share of good requests.
std::optional<double> worst_good_percent(const Json& record);
/// Acknowledged writes lost, over all probes that write; none when nothing was read back.
std::optional<double> lost_writes(const Json& record);
/// Good requests in percent, over the whole run.
std::optional<double> good_percent(const Json& probe);

}  // namespace faultline::report
