#pragma once

#include "targets/error.hpp"

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::load {

/// Data that requests are filled in from: {csv:user} is the column "user" of the request's row.
struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< as many texts each as there are columns

  /// Requests take the rows in turn; nullptr without any.
  [[nodiscard]] const std::vector<std::string>* of(std::uint64_t number) const {
    return rows.empty() ? nullptr : &rows[number % rows.size()];
  }
};

/// What placeholders are replaced by, for one request.
struct Draw {
  std::uint64_t number = 0;           ///< {counter}
  std::string tenant;                 ///< {tenant}, the same everywhere in a request
  std::mt19937_64* random = nullptr;  ///< {random:a..b}, drawn anew each time
  std::string_view run;               ///< {unique} is this and the number; must outlive the draw
  const std::vector<std::string>* row = nullptr;  ///< {csv:...}
  std::string_view token;                         ///< {token}, of the user's session
};
/// Draws for request `number`: one of the tenants tenant-1 to tenant-20, evenly.
Draw draw_for(std::uint64_t number, std::mt19937_64& random, std::string_view run = {});

/// Begins the unique texts of one worker: no other has its seed and started in the same nanosecond.
/// At most 34 characters, so that with the number a column of 80 holds it.
std::string unique_prefix(std::uint64_t seed, std::chrono::system_clock::time_point started);

/// What placeholders a template may have besides {random:1..1000}, {counter}, {unique}, {tenant}.
struct Known {
  std::vector<std::string> columns;  ///< {csv:NAME}
  bool token = false;                ///< {token}
};

/// A text with placeholders. A brace that no lower-case letter follows is only a brace, so JSON
/// needs no escapes.
class Template {
 public:
  /// Error `usage` when a placeholder is unknown or malformed.
  static Result<Template> parse(std::string_view text, const Known& known = {});
  [[nodiscard]] std::string render(const Draw& draw) const;
  void render(const Draw& draw, std::string& out) const;  ///< appends
  /// Nothing in it is filled in.
  [[nodiscard]] bool fixed() const;

 private:
  enum class Kind { literal, random, counter, unique, tenant, column, token };
  struct Piece {
    Kind kind = Kind::literal;
    std::string text;
    std::uint64_t from = 0, to = 0;  ///< of random; of a column its index
  };
  static Result<Piece> placeholder(std::string_view name, const Known& known);

  std::vector<Piece> pieces_;
};

}  // namespace faultline::load
