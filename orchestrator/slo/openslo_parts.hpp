#pragma once

#include "orchestrator/slo/openslo.hpp"
#include "orchestrator/slo/openslo_shapes.hpp"
#include "orchestrator/slo/yaml.hpp"

#include <map>

/// The parts that an OpenSLO document is read with. Whatever is wrong is thrown as Failure `usage`.
namespace faultline::slo {

/// Of objectives, policies and targets in one place: more than anybody reads.
constexpr std::size_t max_items = 100;

/// A value with its name, such as "SLO 'checkout': spec.objectives[0]".
struct Named {
  const Yaml* value = nullptr;
  std::string name;
};

/// A map with named fields. A field that its shape does not have is refused with the nearest name;
/// one whose value is empty counts as absent. Errors carry the line of the field.
class Mapping {
 public:
  Mapping(Named named, const std::string& file, const Shape& shape);

  [[nodiscard]] bool has(std::string_view field) const { return find(field) != nullptr; }
  /// An absent one is refused, with an example of what to write.
  [[nodiscard]] Mapping map(std::string_view field, const Shape& shape) const;
  [[nodiscard]] Named required(std::string_view field, std::string_view example) const;
  /// At most `max_items`; absent: none.
  [[nodiscard]] std::vector<Named> list(std::string_view field) const;
  [[nodiscard]] std::string text(std::string_view field) const;  ///< absent: empty
  [[nodiscard]] std::string text(std::string_view field, std::string_view example) const;
  /// Within what the specification allows for it.
  [[nodiscard]] std::string description() const;
  [[nodiscard]] bool flag(std::string_view field, bool fallback) const;
  [[nodiscard]] std::optional<double> number(std::string_view field) const;
  [[nodiscard]] double number(std::string_view field, std::string_view example) const;
  /// "5m", "12h", "28d", "4w"; `lowest` 0 allows "0m".
  [[nodiscard]] Duration duration(std::string_view field, std::uint64_t lowest = 1) const;
  /// One of `known`, else refused with the nearest.
  [[nodiscard]] std::string choice(std::string_view field,
                                   const std::vector<std::string>& known) const;

  [[nodiscard]] std::string name_of(std::string_view field) const;
  [[nodiscard]] const std::string& file() const { return *file_; }
  [[nodiscard]] int line() const { return value_->line; }
  /// Throws at the field's line; at the map's own when the field is absent or "".
  [[noreturn]] void refuse(std::string_view field, const std::string& what) const;

 private:
  [[nodiscard]] const Yaml* find(std::string_view field) const;
  [[nodiscard]] const Yaml* scalar(std::string_view field, std::string_view expected) const;

  const Yaml* value_;
  std::string name_;
  const std::string* file_;
};

[[noreturn]] void refuse_at(const std::string& file, int line, const std::string& what);

/// An object of the file, or one that stands inline.
struct Object {
  std::string name, title;
  int line = 0;
  Named spec;
};

/// All that a file defines, by kind and name.
class Objects {
 public:
  explicit Objects(std::string file) : file_(std::move(file)) {}

  /// Refuses a second object of the kind and name.
  void add(const std::string& kind, Object object);
  /// `by` says who refers to it, in its field `field`.
  [[nodiscard]] const Object& get(const std::string& kind, const Mapping& by,
                                  std::string_view field) const;
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] Mapping spec(const Object& object, std::string_view shape_name) const;

 private:
  std::string file_;
  std::map<std::string, std::map<std::string, Object>> by_kind_;
};

/// The name and title of a `metadata`.
Object read_metadata(const Mapping& metadata, const std::string& kind);
Comparison read_comparison(const Mapping& mapping, const std::vector<std::string>& allowed);

Indicator read_indicator(const Objects& objects, const Object& sli);
std::string read_data_source(const Objects& objects, const Object& source);  ///< its url
/// A PromQL expression without comments, after what can be known to be wrong with it.
std::string read_query(const Mapping& mapping, std::string_view field, bool counter);
/// An AlertPolicy's condition.
BurnCondition read_policy(const Objects& objects, const Object& policy);
BurnCondition read_condition(const Objects& objects, const Object& condition);
void read_target(const Objects& objects, const Object& target);
/// An item of a list that refers by name or stands inline.
Object read_reference(const Objects& objects, const Named& item, const std::string& kind,
                      std::string_view reference);

}  // namespace faultline::slo
