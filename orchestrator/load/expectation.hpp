#pragma once

#include "orchestrator/load/fields.hpp"

#include <string>
#include <vector>

namespace faultline::load {

class HttpAnswer;

/// What a correct answer looks like: { "status": 200, "json": { "order.state": "paid" },
/// "min_bytes": 1, "max_bytes": 65536 }. A field of the JSON is named by its path, "items.0.id".
class AnswerExpectation {
 public:
  AnswerExpectation() = default;
  explicit AnswerExpectation(Fields fields);

  [[nodiscard]] unsigned status() const { return status_; }
  /// A longer answer is given up while it is read.
  [[nodiscard]] std::uint64_t max_bytes() const { return max_bytes_; }
  [[nodiscard]] bool reads_body() const { return !json_.empty(); }
  /// The class of an answer with the right status and a wrong body: "unexpected size", "not json",
  /// "unexpected order.state". Empty: it is correct.
  [[nodiscard]] std::string wrong_in(const HttpAnswer& answer) const;
  /// Error `usage` of what was given.
  [[nodiscard]] const Result<>& checked() const { return checked_; }

 private:
  struct FieldValue {
    std::string name;
    Json::json_pointer path;
    Json value;
  };
  void read_json(Fields& fields);

  unsigned status_ = 200;
  std::uint64_t min_bytes_ = 0, max_bytes_ = 1u << 20;
  std::vector<FieldValue> json_;
  Result<> checked_;
};

/// The text at a path such as "data.token" in a JSON text; empty when there is none.
std::string text_at(const std::string& json, const Json::json_pointer& path);
/// "items.0.id" as a pointer; error `usage` for an empty name.
Result<Json::json_pointer> json_path(const std::string& name);

}  // namespace faultline::load
