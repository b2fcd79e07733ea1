#include "targets/lab/supervisor_rule_changes.hpp"

#include "targets/lab/supervisor_rules.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <iterator>
#include <set>
#include <utility>

namespace faultline::lab {
namespace {

constexpr Duration nft_limit = std::chrono::seconds(5);  // 5 ms on a quiet machine

/// Callbacks come last, because they may ask for more.
struct Answer {
  RuleChanges::Done done;
  Result<> result;
};

}  // namespace

void RuleChanges::add(const std::string& host, const std::string& action, const std::string& rules,
                      Done done) {
  ask(host, {action, rules, std::move(done)});
}

void RuleChanges::remove(const std::string& host, const std::string& action, Done done) {
  ask(host, {action, "", std::move(done)});
}

void RuleChanges::ask(const std::string& host, Change change) {
  auto& there = hosts_[host];
  there.waiting.push_back(std::move(change));
  if (!std::exchange(there.running, true)) {
    // Posted, so that what is asked at once is in: deleting takes 50 ms, however many they are.
    boost::asio::post(io_, [this, host] { begin(host); });
  }
}

/// As many as are waiting, but none twice: what is added and removed is compared in between.
RuleChanges::Changes RuleChanges::next_batch(Host& host) {
  Changes batch;
  std::set<std::string> actions;
  while (!host.waiting.empty() && actions.insert(host.waiting.front().action).second) {
    const bool alone = host.waiting.front().alone;
    if (alone && !batch.empty()) {
      break;
    }
    batch.push_back(std::move(host.waiting.front()));
    host.waiting.pop_front();
    if (alone) {
      break;
    }
  }
  return batch;
}

void RuleChanges::begin(const std::string& host) {
  auto& there = hosts_.at(host);
  there.running = !there.waiting.empty();
  if (there.running) {
    transact(host, next_batch(there));
  }
}

Result<std::string> RuleChanges::to_add(Host& host, const Change& change,
                                        const RuleTables& tables) const {
  const auto name = table_name(change.action);
  const auto found = tables.find(name);
  if (found != tables.end() && host.added.contains(change.action)) {
    host.added[change.action] = {found->second};  // by a run that was killed before it said so
    return std::string();
  }
  if (found != tables.end()) {
    return Error{ErrorKind::conflict,
                 fmt::format("there is a table {} already ({}), which this action has not added; "
                             "delete it by hand when nobody needs it",
                             name, found->second.in_words())};
  }
  host.added[change.action] = {};
  return change.rules;
}

Result<std::string> RuleChanges::to_remove(Host& host, const Change& change,
                                           const RuleTables& tables) const {
  const auto added = host.added.find(change.action);
  if (added == host.added.end()) {
    return std::string();
  }
  const auto name = table_name(change.action);
  const auto found = tables.find(name);
  if (found == tables.end()) {
    if (added->second.table && !added->second.removing) {
      lifted_(change.action, fmt::format("its table {} was gone already", name));
    }
    host.added.erase(added);
    return std::string();
  }
  if (added->second.table && *added->second.table != found->second) {
    return Error{ErrorKind::conflict,
                 fmt::format("somebody else changed table {}: {} was added, {} is there now; it "
                             "was left as it is, delete it by hand when nobody needs it",
                             name, added->second.table->in_words(), found->second.in_words())};
  }
  added->second.removing = true;
  return delete_rules(change.action);
}

void RuleChanges::transact(const std::string& host, Changes batch) {
  auto& there = hosts_.at(host);
  const auto tables = look_(host);
  std::vector<Answer> answers;
  Changes left;
  std::string all;
  for (auto& change : batch) {
    const auto part = !tables                ? Result<std::string>(tables.error())
                      : change.rules.empty() ? to_remove(there, change, *tables)
                                             : to_add(there, change, *tables);
    if (part && !part->empty()) {
      all += *part;
      left.push_back(std::move(change));
    } else {
      answers.push_back({std::move(change.done), part ? Result<>{} : Result<>(part.error())});
    }
  }
  if (left.empty()) {
    begin(host);
  } else {
    run_(host, all, [this, host, left = std::move(left)](const Result<>& result) {
      ended(host, left, result);
    });
  }
  for (const auto& answer : answers) {
    answer.done(answer.result);
  }
}

bool RuleChanges::was_done(Host& host, const Change& change, const Result<RuleTables>& tables,
                           const Result<>& result) {
  const auto name = table_name(change.action);
  const bool there = tables && tables->contains(name);
  if (change.rules.empty()) {  // it was there before, else there was nothing to do
    const bool done = result || (tables && !there);
    if (done) {
      host.added.erase(change.action);
    }
    return done;
  }
  if (there) {  // it was not there before
    host.added[change.action] = {tables->at(name)};
  }
  return result || there;
}

void RuleChanges::ended(const std::string& host, Changes batch, const Result<>& result) {
  auto& there = hosts_.at(host);
  const auto tables = look_(host);
  std::vector<Answer> answers;
  Changes again;
  for (auto& change : batch) {
    const bool done = was_done(there, change, tables, result);
    if (done || batch.size() == 1) {
      answers.push_back({std::move(change.done), done ? Result<>{} : result});
    } else {
      change.alone = true;  // each is to have an answer of its own
      again.push_back(std::move(change));
    }
  }
  there.waiting.insert(there.waiting.begin(), std::make_move_iterator(again.begin()),
                       std::make_move_iterator(again.end()));
  begin(host);
  for (const auto& answer : answers) {
    answer.done(answer.result);
  }
}

RuleChanges::Run nft_in(Children& children) {
  return [&children](const std::string& host, const std::string& script, RuleChanges::Done done) {
    children.run({host, {"nft", "-f", "-"}}, script, nft_limit,
                 [done = std::move(done)](const Result<std::string>& printed) {
                   done(printed ? Result<>{} : Result<>(printed.error()));
                 });
  };
}

}  // namespace faultline::lab
