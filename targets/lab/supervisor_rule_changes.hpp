#pragma once

#include "targets/lab/supervisor_children.hpp"
#include "targets/lab/supervisor_lifted.hpp"
#include "targets/lab/supervisor_netlink.hpp"
#include "targets/target.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace faultline::lab {

/// Adds and removes the tables of rules of actions. What is asked at once, or while an `nft` runs
/// in the host, becomes its next one: one transaction, however many they are. A table is removed
/// only as it was added: one that somebody has changed since is a conflict, and left alone. Whether
/// a transaction was done, the tables say: an `nft` that was killed may have committed before.
class RuleChanges {
 public:
  using Done = targets::Done<void>;
  /// How a host's tables are read, and changed by a script for `nft -f`, in a transaction.
  using Look = std::function<Result<RuleTables>(const std::string& host)>;
  using Run = std::function<void(const std::string& host, const std::string& script, Done done)>;

  RuleChanges(boost::asio::io_context& io, Look look, Run run, Lifted lifted)
      : io_(io), look_(std::move(look)), run_(std::move(run)), lifted_(std::move(lifted)) {}

  /// `rules` are the action's table. Error `conflict` when a table of its name is there already.
  void add(const std::string& host, const std::string& action, const std::string& rules, Done done);
  /// Idempotent. Error `conflict` when the table has other contents than were added.
  void remove(const std::string& host, const std::string& action, Done done);

 private:
  struct Change {
    std::string action;
    std::string rules;  ///< to add; empty: remove
    Done done;
    bool alone = false;  ///< its transaction with others failed
  };
  using Changes = std::vector<Change>;
  struct Added {
    std::optional<RuleTable> table;  ///< as it was then; none: it may not have been added
    bool removing = false;           ///< a transaction was to remove it, and may have
  };
  struct Host {
    std::deque<Change> waiting;
    bool running = false;
    std::map<std::string, Added> added;  // by action
  };

  void ask(const std::string& host, Change change);
  void begin(const std::string& host);
  static Changes next_batch(Host& host);
  void transact(const std::string& host, Changes batch);
  void ended(const std::string& host, Changes batch, const Result<>& result);
  /// Whether the transaction that it was part of was done; keeps what is there now.
  static bool was_done(Host& host, const Change& change, const Result<RuleTables>& tables,
                       const Result<>& result);
  /// A change's part of the script; empty: nothing is to be done.
  Result<std::string> to_add(Host& host, const Change& change, const RuleTables& tables) const;
  Result<std::string> to_remove(Host& host, const Change& change, const RuleTables& tables) const;

  boost::asio::io_context& io_;
  Look look_;
  Run run_;
  Lifted lifted_;
  std::map<std::string, Host> hosts_;
};

/// By a process each time.
RuleChanges::Run nft_in(Children& children);

}  // namespace faultline::lab
