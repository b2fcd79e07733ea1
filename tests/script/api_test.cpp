#include "orchestrator/script/bindings.hpp"
#include "orchestrator/script/shapes.hpp"
#include "tests/script/lab_world.hpp"

#include <gmock/gmock.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

/// scripts/lua/api.lua documents the language as it is: no more, no less.
namespace faultline::script {
namespace {

struct Documented {
  std::set<std::string> names;                          ///< "good", "run:expect"
  std::map<std::string, std::set<std::string>> fields;  ///< by class
};

Documented read_api() {
  std::ifstream file(std::string(FAULTLINE_SOURCE_DIR) + "/scripts/lua/api.lua");
  const std::regex function(R"(^function (\w+)([:.](\w+))?\()");
  const std::regex value(R"(^(\w+) = nil$)");
  const std::regex type(R"(^---@class (\w+))");
  const std::regex field(R"(^---@field (\w+)(\??) )");
  Documented api;
  std::string current;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, function)) {
      auto owner = match[1].str();
      owner[0] = static_cast<char>(match[3].matched ? std::tolower(owner[0]) : owner[0]);
      api.names.insert(owner + match[2].str());
    } else if (std::regex_search(line, match, value)) {
      api.names.insert(match[1].str());
    } else if (std::regex_search(line, match, type)) {
      current = match[1].str();
    } else if (std::regex_search(line, match, field)) {
      api.fields[current].insert(match[1].str());
    }
  }
  return api;
}

TEST(Api, DocumentsEveryNameAndNothingElse) {
  const auto names = language_names();
  EXPECT_EQ(read_api().names, std::set<std::string>(names.begin(), names.end()));
}

TEST(Api, DocumentsEveryFieldAndNothingElse) {
  const std::map<std::string, std::string> classes{{"experiment", "Experiment"},
                                                   {"run:expect", "Window"},
                                                   {"instances", "Selector"},
                                                   {"environment", "Environment"},
                                                   {"latency", "Latency"},
                                                   {"burn", "Burn"},
                                                   {"window", "BurnWindow"},
                                                   {"metric", "Metric"},
                                                   {"good", "GoodBelow"},
                                                   {"bad", "BadAbove"},
                                                   {"versus_baseline", "VersusBaseline"},
                                                   {"cache", "Cache"},
                                                   {"database", "Database"},
                                                   {"prometheus", "Prometheus"},
                                                   {"guardrails", "Guardrails"},
                                                   {"freeze", "Freeze"},
                                                   {"http", "Http"},
                                                   {"request", "HttpRequest"},
                                                   {"login", "Login"},
                                                   {"expect", "Expect"},
                                                   {"sessions", "Sessions"},
                                                   {"tls", "Tls"},
                                                   {"stage", "Stage"},
                                                   {"load", "Load"},
                                                   {"redis_writes", "RedisWrites"},
                                                   {"redis", "Redis"},
                                                   {"tcp", "Tcp"},
                                                   {"sql_writes", "SqlWrites"},
                                                   {"replica_lag", "ReplicaLag"}};
  const auto api = read_api();
  std::map<std::string, std::set<std::string>> expected;
  for (const auto* shape : shapes()) {
    expected[classes.at(shape->name)] = {shape->fields.begin(), shape->fields.end()};
  }
  EXPECT_EQ(api.fields, expected);
}

TEST(Api, ScriptsSeeTheLanguageAndTheSafeLibraryAndNothingElse) {
  std::set<std::string> expected;
  for (const auto& name : library_names()) {
    if (name.find('.') == name.npos) {
      expected.insert(name);
    }
  }
  for (const auto& name : language_names()) {
    if (name.find_first_of(":.") == name.npos) {
      expected.insert(name);
    }
  }
  std::string list;
  for (const auto& name : expected) {
    list += name + " ";
  }
  const Folder folder;
  const auto result = load(folder,
                           "local names = {} for name in pairs(_G) do names[#names + 1] = name end "
                           "table.sort(names) assert(table.concat(names, ' ') .. ' ' == '" +
                               list + "', table.concat(names, ' ')) " + with_method(""));
  EXPECT_TRUE(result) << result.error().message;
}

}  // namespace
}  // namespace faultline::script
