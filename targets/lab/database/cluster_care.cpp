#include "targets/lab/database/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::database {
namespace {

using namespace std::chrono_literals;

constexpr Duration sync_lag = 1s;            ///< a replica behind by less is in sync
constexpr Duration link_patience = 1500ms;   ///< a replica retries its source every second itself
constexpr Duration revive_pause = 1s;        ///< between two tries to reach a lost node's machine
constexpr Duration reclone_pause = 3s;       ///< takes 1 s
constexpr int follows_before_reclone = 5;    ///< in a row, all in vain
constexpr int source_lacks_it = 1236;        ///< what comes next is not in the source's binary log
constexpr std::size_t kept_progress = 1200;  ///< 2 minutes of questions

}  // namespace

void Cluster::remember_progress(const Observation& seen) {
  if (seen.node == rw_ &&
      (progress_.empty() || progress_.back().second != seen.view->position.number)) {
    progress_.emplace_back(seen.asked, seen.view->position.number);
    if (progress_.size() > kept_progress) {
      progress_.pop_front();
    }
  }
}

/// How long ago rw was seen with more than the node has; 0 when it has everything.
std::optional<Duration> Cluster::lag(const Node& node, Instant now) const {
  if (!node.ever || rw_.empty()) {
    return std::nullopt;
  }
  const auto ahead = std::ranges::find_if(
      progress_, [&](const auto& p) { return p.second > node.view.position.number; });
  return node.name == rw_ || ahead == progress_.end() ? Duration{} : now - ahead->first;
}

bool Cluster::in_sync(const Node& node, Instant now) const {
  const Node* rw = find(rw_);
  const auto& replication = node.view.replication;
  return rw != nullptr && node.name != rw_ && !node.lost && answering(node) &&
         node.view.read_only && replication && replication->from == rw->address &&
         replication->link == Replication::Link::connected && replication->applying &&
         lag(node, now) < sync_lag;
}

/// What a node that has no part in a move needs.
void Cluster::mend(Node& node, Instant now) {
  if (node.lost) {
    if (now - node.revived >= revive_pause) {
      node.revived = now;
      issue(node, Act::revive);
    }
    return;
  }
  if (!readable(node) || node.name == rw_) {
    return;
  }
  const bool somebody_else = !rw_.empty() || stage_ == Stage::holding || stage_ == Stage::promoting;
  if (!node.view.read_only) {
    if (somebody_else) {
      issue(node, Act::fence);  // it woke up, or came back, and still believes in itself
    }
    return;
  }
  if (!move_ && writable() != nullptr) {
    mend_replica(node, now);
  }
}

void Cluster::mend_replica(Node& node, Instant now) {
  if (!node.view.replication) {
    return;
  }
  const auto& replication = *node.view.replication;
  const auto& source = find(rw_)->address;
  const bool right = replication.from == source;
  const bool diverged =
      right && (replication.apply_error != 0 || (replication.link == Replication::Link::stopped &&
                                                 replication.link_error == source_lacks_it));
  if (diverged || node.follows >= follows_before_reclone) {
    if (now - node.recloned >= reclone_pause) {
      node.recloned = now;
      issue(node, Act::reclone);
    }
    return;
  }
  if (in_sync(node, now)) {
    node.follows = 0;
    return;
  }
  const bool stopped = replication.link == Replication::Link::stopped || !replication.applying;
  const bool stuck = replication.link == Replication::Link::connecting &&
                     now - std::max(node.followed, node.linked) >= link_patience;
  if (!right || stopped || stuck) {
    node.follows += right && stopped ? 1 : 0;
    issue(node, Act::follow, source);
  }
}

/// A node leaves the read endpoint when it was out of sync for the detection time while there was
/// somebody to be in sync with, and returns as soon as it is.
void Cluster::choose_reads(Instant now) {
  const Node* rw = writable();
  for (auto& node : nodes_) {
    if (node.name == rw_) {
      node.in_reads = false;
      continue;
    }
    if (in_sync(node, now)) {
      node.in_reads = true;
      node.good_at = now;
    } else if (rw == nullptr && !node.lost && answering(node)) {
      node.good_at = now;  // nobody to be in sync with: what it has is served
    } else if (node.lost || now - node.good_at >= settings_.detection) {
      node.in_reads = false;
    }
  }
}

std::map<std::string, Cluster::Doors> Cluster::doors() const {
  const bool reads = std::ranges::any_of(nodes_, &Node::in_reads);
  std::map<std::string, Doors> doors;
  for (const auto& node : nodes_) {
    Doors& its = doors[node.name];
    if (node.name == rw_ && !node.lost) {
      its.rw = Door::open;
      its.ro = reads ? Door::leaving : Door::open;
    } else if (node.in_reads) {
      its.ro = Door::open;
    }
  }
  return doors;
}

std::string Cluster::words(const Node& node, Instant now) const {
  if (!answering(node)) {
    return node.lost || !node.ever ? "does not answer" : "answers late";
  }
  if (!node.view.read_only) {
    return node.name == rw_ ? "writable" : "writable, and should not be";
  }
  if (in_sync(node, now)) {
    return "read-only, in sync";
  }
  const auto& replication = node.view.replication;
  if (replication && !replication->error.empty()) {
    return "read-only, replication failed: " + replication->error;
  }
  if (!replication || replication->link != Replication::Link::connected) {
    return "read-only, follows nobody now";
  }
  return fmt::format("read-only, {} behind", in_words(lag(node, now).value_or(Duration{})));
}

Cluster::Status Cluster::status(Instant now) const {
  Status status{writable() != nullptr ? rw_ : "", move_.has_value(), {}, moves_, given_up_};
  for (const auto& node : nodes_) {
    NodeStatus one{.name = node.name, .role = "", .words = words(node, now)};
    if (answering(node)) {
      one.role = node.view.read_only ? "ro" : "rw";
      one.lag = lag(node, now);
      one.healthy = node.name == rw_ ? !node.view.read_only : in_sync(node, now);
    }
    status.nodes.push_back(std::move(one));
  }
  return status;
}

}  // namespace faultline::database
