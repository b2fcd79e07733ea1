#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/script.hpp"
#include "orchestrator/script/value.hpp"

#include <fmt/format.h>

/// `csv "users.csv"`: rows that requests are filled in from.
namespace faultline::script {
namespace {

constexpr std::size_t max_rows =
    100'000;  // the worker's own limit, orchestrator/load/http_plan.cpp

/// RFC 4180: commas, quotes that are doubled inside of quotes, lines that end with LF or CR LF.
class Csv {
 public:
  Csv(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Json read() {
    const auto columns = record();
    Json rows = Json::array();
    while (at_ < text_.size()) {
      const auto line = line_;
      auto row = record();
      if (row.size() != columns.size()) {
        refuse(fmt::format("{}:{}: expected {} fields as in the first line, found {}", name_, line,
                           columns.size(), row.size()));
      }
      if (rows.size() == max_rows) {
        refuse(fmt::format("{}: at most {} rows", name_, max_rows));
      }
      rows.push_back(std::move(row));
    }
    if (rows.empty()) {
      refuse(fmt::format("{}: expected a line with the names of the columns, and rows below it",
                         name_));
    }
    return {{"columns", columns}, {"rows", std::move(rows)}};
  }

 private:
  std::vector<std::string> record() {
    std::vector<std::string> fields;
    do {
      fields.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
    } while (skip(','));
    skip('\r');
    if (at_ < text_.size() && !skip('\n')) {
      refuse(fmt::format("{}:{}: expected a comma or the end of the line after '{}'", name_, line_,
                         fields.back()));
    }
    ++line_;
    return fields;
  }
  std::string plain() {
    const auto from = at_;
    const auto end = std::min(text_.find_first_of(",\r\n", from), text_.size());
    return std::string(text_.substr(std::exchange(at_, end), end - from));
  }
  std::string quoted() {
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"' && (++at_ == text_.size() || text_[at_] != '"')) {
        return field;
      }
      field += text_[at_];
    }
    refuse(fmt::format("{}:{}: a quote without its end", name_, line_));
  }
  bool skip(char c) {
    const bool there = at_ < text_.size() && text_[at_] == c;
    at_ += there ? 1 : 0;
    return there;
  }

  std::string_view text_, name_;
  std::size_t at_ = 0, line_ = 1;
};

}  // namespace

int read_csv(lua_State* lua) {
  const auto name = to_text(lua, 1, "csv: the file");
  const auto& file = script_of(lua).sources().use(name, "csv");
  push(lua, CsvRows{Csv(file.text, name).read()});
  return 1;
}

}  // namespace faultline::script
