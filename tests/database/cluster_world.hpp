#pragma once

#include "targets/lab/database/cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

/// Three nodes that obey their manager, in a world where time is turned by hand.
namespace faultline::database {

using namespace std::chrono_literals;

struct FakeNode {
  std::string name, address;
  bool answers = true;  ///< over SQL
  bool agent = true;    ///< its machine can be reached
  bool writable = false;
  bool promotable = true;
  bool tells = true;      ///< how far it is, when it is held
  bool diverged = false;  ///< follows nobody's binary log
  std::uint64_t rows = 0;
  std::uint64_t received = 0;  ///< as a replica, more than it shows
  std::string source;          ///< address
};

class ClusterWorld {
 public:
  explicit ClusterWorld(bool semi_sync = true, Duration detection = 1s)
      : settings_{{{"a-db", "10.0.1.30:3306"},
                   {"b-db", "10.0.2.30:3306"},
                   {"c-db", "10.0.3.30:3306"}},
                  "a-db",
                  detection,
                  semi_sync},
        cluster(settings_, now) {
    for (const auto& member : settings_.members) {
      nodes.push_back({.name = member.name, .address = member.address});
    }
  }

  FakeNode& node(const std::string& name) {
    return *std::ranges::find(nodes, name, &FakeNode::name);
  }
  FakeNode& a() { return node("a-db"); }
  FakeNode& b() { return node("b-db"); }
  FakeNode& c() { return node("c-db"); }

  /// Time goes on in steps of 0.1 s: replicas copy what they can reach, the manager asks every node
  /// and its commands are carried out, one step later.
  void pass(Duration time) {
    for (Duration gone{}; gone < time; gone += 100ms) {
      now += 100ms;
      replicate();
      for (auto& outcome : std::exchange(under_way_, {})) {
        outcome.ended = now - 1ms;
        cluster.finish(outcome);
      }
      for (const auto& one : nodes) {
        cluster.observe({one.name, now, now, view_of(one)});
      }
      obey();
    }
  }

  /// A new manager that knows nothing.
  void restart_manager() {
    cluster = Cluster(settings_, now);
    under_way_.clear();
  }

  /// What the manager has said since this was asked last: "detected a-db".
  std::vector<std::string> said() {
    std::vector<std::string> all;
    for (const auto& step : cluster.take_steps()) {
      all.push_back(std::string(to_string(step.kind)) + " " + step.node);
    }
    return all;
  }
  [[nodiscard]] std::string rw() const { return cluster.status(now).rw; }
  [[nodiscard]] bool serves_reads(const std::string& name) const {
    return cluster.doors().at(name).ro == Cluster::Door::open;
  }
  [[nodiscard]] std::size_t in_sync() const {
    const auto status = cluster.status(now);
    return static_cast<std::size_t>(std::ranges::count_if(
        status.nodes, [](const auto& n) { return n.healthy && n.role == "ro"; }));
  }
  /// How often it was done to a node since the world began.
  [[nodiscard]] int count(Act act, const std::string& name) const {
    return static_cast<int>(std::ranges::count(done, std::pair(act, name)));
  }

  Instant now{std::chrono::hours(1)};
  std::vector<FakeNode> nodes;
  std::vector<std::pair<Act, std::string>> done;

 private:
  Cluster::Settings settings_;
  std::vector<Outcome> under_way_;

 public:
  Cluster cluster;

 private:
  FakeNode* source_of(const FakeNode& one) {
    const auto found = std::ranges::find(nodes, one.source, &FakeNode::address);
    return found == nodes.end() || !found->answers ? nullptr : &*found;
  }

  void replicate() {
    for (auto& one : nodes) {
      if (const auto* source = source_of(one); source != nullptr && one.answers && !one.diverged) {
        one.rows = one.received = std::max(source->rows, one.rows);
      }
    }
  }

  std::optional<NodeView> view_of(const FakeNode& one) {
    if (!one.answers) {
      return std::nullopt;
    }
    Replication replication;
    replication.from = one.source;
    replication.applying = !one.source.empty();
    if (!one.source.empty()) {
      replication.link = one.diverged                ? Replication::Link::stopped
                         : source_of(one) == nullptr ? Replication::Link::connecting
                                                     : Replication::Link::connected;
      replication.link_error = one.diverged ? 1236 : 0;
    }
    return NodeView{!one.writable, position(one.rows), replication};
  }

  static Position position(std::uint64_t rows) {
    return position_of("0-1-" + std::to_string(rows));
  }

  void obey() {
    for (const auto& command : cluster.decide(now)) {
      done.emplace_back(command.act, command.node);
      Outcome outcome{
          .command = command, .done = false, .words = "no answer", .position = {}, .ended = {}};
      carry_out(node(command.node), command, outcome);
      under_way_.push_back(std::move(outcome));
    }
  }

  static void restart(FakeNode& one) {
    one.answers = true;
    one.writable = false;
    one.source.clear();
  }

  static void carry_out(FakeNode& one, const Command& command, Outcome& outcome) {
    const bool by_agent =
        command.act == Act::fence || command.act == Act::revive || command.act == Act::reclone;
    outcome.done = by_agent ? one.agent : one.answers;
    if (!outcome.done) {
      return;
    }
    switch (command.act) {
      case Act::hold:
        outcome.done = one.tells;
        outcome.position = position(std::max(one.rows, one.received));
        one.source.clear();
        break;
      case Act::promote:
        outcome.done = one.promotable;
        one.rows = std::max(one.rows, one.received);
        one.writable = one.promotable;
        break;
      case Act::demote:
        one.writable = false;
        outcome.position = position(one.rows);
        break;
      case Act::follow:
        one.source = command.source;
        break;
      case Act::reclone:
        one.rows = one.received = 0;
        one.diverged = false;
        restart(one);
        break;
      case Act::fence:
      case Act::revive:
        restart(one);
        break;
    }
  }
};

}  // namespace faultline::database
