#pragma once

#include "targets/error.hpp"

#include <map>
#include <optional>
#include <string>

/// What the database's manager and its endpoint say, as values: no I/O.
namespace faultline::lab {

struct DatabaseNode {
  std::string role;  ///< "rw", "ro"; empty for one that has none now
  bool healthy = false;
  std::string words;
};

/// A database as its manager sees it.
struct DatabaseView {
  std::map<std::string, DatabaseNode> nodes;  ///< by component
  std::string rw;                             ///< empty: none is writable
  std::string in_words = "not seen yet";
  bool moving = false;  ///< a role is moving right now
  /// Whether every node has its role and is healthy, and nothing moves.
  [[nodiscard]] bool whole() const;
};

/// The body of `GET /status` of the manager. Error `io` when it is not that.
Result<DatabaseView> parse_database(const std::string& body);

/// The servers that the machines of the database's nodes have lost: ended, and neither the manager
/// nor a fault asked for it. A fault that kills a node ends its machine with it.
class DatabaseLosses {
 public:
  /// `body`: of `GET /lost` at the node's machine. How its server ended, once for each end.
  std::optional<std::string> news(const std::string& node, const std::string& body);

 private:
  std::map<std::string, int> told_;  // by component: the process id of the last one
};

/// What a database with so many nodes says when all is well.
std::string database_in_words(int read_only_nodes);

/// What an endpoint forwards to, from the servers of its `show stat` ("rw/a-db" -> status):
/// "1 for writes, 2 for reads".
std::string endpoint_in_words(const std::map<std::string, std::string>& servers);
std::string endpoint_in_words(int writers, int readers);

}  // namespace faultline::lab
