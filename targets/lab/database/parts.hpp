#pragma once

#include <span>
#include <string>

/// The database under drill, and what looks after it: parts of `faultline-saas`. Each prints its
/// errors and returns an exit code: 0, 1 failed, 2 a wrong command line.
namespace faultline::database {

/// `db-template --into FOLDER` builds the data that every node starts from, unless FOLDER is there;
/// `db-template --name` prints what to call it in a cache.
int template_main(std::span<const std::string> args);

/// `db-node ...`: the machine of one node. Ends with its process group only.
int node_main(std::span<const std::string> args);

/// `db-manager ...`: detects, promotes, fences, rejoins. Ends at SIGTERM.
int manager_main(std::span<const std::string> args);

}  // namespace faultline::database
