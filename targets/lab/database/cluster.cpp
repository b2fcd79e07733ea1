#include "targets/lab/database/cluster.hpp"

#include "targets/lab/database/election.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::database {
namespace {

using namespace std::chrono_literals;

constexpr Duration hold_limit = 3s;  ///< STOP SLAVE takes 1 s when the source is out of reach
constexpr std::size_t kept_moves = 20;

}  // namespace

std::string_view to_string(Cluster::Step::Kind kind) {
  switch (kind) {
    case Cluster::Step::Kind::detected:
      return "detected";
    case Cluster::Step::Kind::decided:
      return "decided";
    case Cluster::Step::Kind::done:
      return "done";
  }
  return "?";
}

std::string_view to_string(Act act) {
  switch (act) {
    case Act::hold:
      return "hold";
    case Act::promote:
      return "promote";
    case Act::demote:
      return "demote";
    case Act::follow:
      return "follow";
    case Act::fence:
      return "fence";
    case Act::revive:
      return "revive";
    case Act::reclone:
      return "reclone";
  }
  return "?";
}

Cluster::Cluster(Settings settings, Instant now) : settings_(std::move(settings)) {
  for (const auto& member : settings_.members) {
    nodes_.push_back({.name = member.name, .address = member.address, .last_answer = now});
  }
}

Cluster::Node* Cluster::find(const std::string& name) {
  const auto found = std::ranges::find(nodes_, name, &Node::name);
  return found == nodes_.end() ? nullptr : &*found;
}

const Cluster::Node* Cluster::find(const std::string& name) const {
  const auto found = std::ranges::find(nodes_, name, &Node::name);
  return found == nodes_.end() ? nullptr : &*found;
}

const Cluster::Node* Cluster::writable() const {
  const Node* rw = find(rw_);
  return rw != nullptr && answering(*rw) && !rw->view.read_only ? rw : nullptr;
}

std::size_t Cluster::needed() const {
  return needed_to_elect(nodes_.size(), settings_.semi_sync);
}

std::string Cluster::best_of(const std::map<std::string, Position>& standing) const {
  std::vector<std::string> order;
  for (const auto& node : nodes_) {
    order.push_back(node.name);
  }
  return elect(standing, order, settings_.home);
}

void Cluster::observe(const Observation& seen) {
  Node* node = find(seen.node);
  if (node == nullptr) {
    return;
  }
  if (!seen.view) {
    ++node->unanswered;
    return;
  }
  node->ever = true;
  node->unanswered = 0;
  node->last_answer = seen.ended;
  // While something is done to a node, and for what was asked before it ended, only contact counts:
  // the answer may show it as it no longer is.
  node->fresh = node->doing == 0 && seen.asked >= node->changed;
  if (node->fresh) {
    auto replication = seen.view->replication ? seen.view->replication : node->view.replication;
    node->view = *seen.view;
    node->view.replication = std::move(replication);
    if (node->view.replication && node->view.replication->link == Replication::Link::connected) {
      node->linked = seen.ended;
    }
    remember_progress(seen);
  }
}

void Cluster::finish(const Outcome& outcome) {
  Node* node = find(outcome.command.node);
  if (node == nullptr || node->doing != outcome.command.id) {
    return;
  }
  node->doing = 0;
  node->changed = outcome.ended;
  node->fresh = false;
  switch (outcome.command.act) {
    case Act::follow:
      node->followed = outcome.ended;
      break;
    case Act::reclone:
    case Act::fence:
      node->view = {};
      node->follows = 0;
      break;
    case Act::hold:
    case Act::promote:
    case Act::demote:
      finish_move_step(outcome);
      break;
    case Act::revive:
      break;
  }
}

void Cluster::finish_move_step(const Outcome& outcome) {
  if (!move_) {
    return;
  }
  const auto& command = outcome.command;
  if (command.act == Act::hold && stage_ == Stage::holding) {
    if (outcome.done) {
      held_[command.node] = outcome.position;
    } else {
      held_.erase(command.node);
    }
  } else if (command.act == Act::demote && stage_ == Stage::draining) {
    Node* to = find(outcome.done ? move_->to : move_->from);
    rw_.clear();
    if (!outcome.done) {
      given_up_ = fmt::format("{}: {}", command.node, outcome.words);
    }
    stage_ = Stage::promoting;
    move_->to = to->name;
    issue(*to, Act::promote, {}, outcome.position);
  } else if (command.act == Act::promote && stage_ == Stage::promoting) {
    const bool back = move_->planned && !outcome.done && command.node != move_->from;
    if (back) {  // the old one is read-only but well: it takes the role again
      given_up_ = fmt::format("{}: {}", command.node, outcome.words);
      move_->to = move_->from;
      issue(*find(move_->from), Act::promote);
      return;
    }
    end_move(outcome);
  }
}

void Cluster::endpoint_reached(const std::string& node, Instant at) {
  if (!moves_.empty() && moves_.back().to == node && !moves_.back().endpoint) {
    moves_.back().endpoint = at;
    steps_.push_back({Step::Kind::done, node, "reached through the endpoint"});
  }
}

Result<> Cluster::ask_switchover(const std::string& to, Instant now) {
  const auto refuse = [](std::string why) { return Error{ErrorKind::refused, std::move(why)}; };
  if (move_) {
    return refuse("the writable role is moving already; try again when it has settled");
  }
  const Node* from = writable();
  if (from == nullptr) {
    return refuse("no node is writable now, so there is no role to move");
  }
  given_up_.clear();
  if (to == rw_) {
    return {};
  }
  if (!to.empty() && find(to) == nullptr) {
    return refuse(fmt::format("there is no node '{}'", to));
  }
  std::string target;
  for (const auto& node : nodes_) {
    const bool wanted =
        to.empty() ? target.empty() || node.name == settings_.home : node.name == to;
    if (wanted && node.name != rw_ && node.doing == 0 && in_sync(node, now)) {
      target = node.name;
    }
  }
  if (target.empty()) {
    return refuse(to.empty() ? "no read-only node is in sync"
                             : fmt::format("{} is not in sync: {}", to, words(*find(to), now)));
  }
  if (from->doing != 0) {
    return refuse(fmt::format("{} is being changed; try again", rw_));
  }
  move_ = Move{rw_, target, "switchover asked for", true, now, now, {}, {}};
  choose(target);
  stage_ = Stage::draining;
  stage_began_ = now;
  issue(*find(rw_), Act::demote);
  return {};
}

std::vector<Cluster::Step> Cluster::take_steps() {
  return std::exchange(steps_, {});
}

std::vector<Command> Cluster::decide(Instant now) {
  notice_loss(now);
  if (move_) {
    advance(now);
  } else if (rw_.empty()) {
    find_rw(now);
  } else {
    watch_rw(now);
  }
  for (auto& node : nodes_) {
    if (node.doing == 0) {
      mend(node, now);
    }
  }
  choose_reads(now);
  return std::exchange(commands_, {});
}

void Cluster::notice_loss(Instant now) {
  for (auto& node : nodes_) {
    node.lost =
        !answering(node) && now - node.last_answer >= settings_.detection && node.unanswered >= 2;
  }
}

/// Nobody is known to be writable: after a start of the manager, or of everything.
void Cluster::find_rw(Instant now) {
  const bool all_known =
      std::ranges::all_of(nodes_, [this](const Node& node) { return node.lost || readable(node); });
  if (!all_known) {
    return;
  }
  std::map<std::string, Position> followed;  // the writable ones that most others follow
  std::ptrdiff_t most = 0;
  for (const auto& node : nodes_) {
    if (node.lost || node.view.read_only) {
      continue;
    }
    const auto followers = std::ranges::count_if(nodes_, [&](const Node& n) {
      return n.view.replication && n.view.replication->from == node.address;
    });
    if (followers > most) {
      followed.clear();
      most = followers;
    }
    if (followers == most) {
      followed[node.name] = node.view.position;
    }
  }
  rw_ = best_of(followed);
  if (!rw_.empty()) {
    progress_.clear();
    unfinished_.reset();
    return;
  }
  begin(unfinished_.value_or(Move{"", "", "no node was writable", false, now, now, {}, {}}), now);
}

void Cluster::watch_rw(Instant now) {
  const Node& rw = *find(rw_);
  const bool restarted = readable(rw) && rw.view.read_only;
  if (!rw.lost && !restarted) {
    detected_.reset();
    return;
  }
  const auto why =
      rw.lost ? fmt::format("{} did not answer for {}", rw_, in_words(now - rw.last_answer))
              : rw_ + " restarted and is read-only";
  if (!detected_) {
    detected_ = now;
    steps_.push_back({Step::Kind::detected, rw_, why});
  }
  const bool all_known =
      std::ranges::all_of(nodes_, [this](const Node& node) { return node.lost || readable(node); });
  if (rw.lost || all_known) {
    begin({rw_, "", why, false, rw.last_answer, *detected_, {}, {}}, now);
  }
}

/// Stops all replicas at once and learns how far they are, if enough of them answer.
void Cluster::begin(Move move, Instant now) {
  const auto can_stand = [](const Node& node) {
    return node.fresh && node.view.read_only &&
           (!node.view.replication || node.view.replication->apply_error == 0);
  };
  std::size_t standing = 0;
  for (const auto& node : nodes_) {
    standing += readable(node) && can_stand(node) ? 1 : 0;
  }
  if (standing < needed()) {
    return;
  }
  rw_.clear();
  move_ = std::move(move);
  move_->planned = false;
  stage_ = Stage::holding;
  stage_began_ = now;
  held_.clear();
  for (auto& node : nodes_) {
    if (readable(node) && can_stand(node)) {
      held_[node.name] = std::nullopt;
      issue(node, Act::hold);
    }
  }
}

void Cluster::advance(Instant now) {
  if (stage_ != Stage::holding) {
    return;  // commands have limits of their own, the outcome comes
  }
  if (now - stage_began_ >= hold_limit) {
    std::erase_if(held_, [](const auto& entry) { return !entry.second; });
  }
  const bool all_told =
      std::ranges::all_of(held_, [](const auto& entry) { return entry.second.has_value(); });
  if (all_told) {
    elect_among_held();
  }
}

void Cluster::elect_among_held() {
  std::map<std::string, Position> standing;
  for (const auto& [name, position] : held_) {
    standing[name] = *position;
  }
  const auto to = standing.size() < needed() ? "" : best_of(standing);
  if (to.empty()) {
    give_up("too few nodes told how far they are");
    return;
  }
  stage_ = Stage::promoting;
  move_->to = to;
  choose(to);
  issue(*find(to), Act::promote, {}, standing[to]);
}

void Cluster::choose(const std::string& node) {
  steps_.push_back({Step::Kind::decided, node, move_->why});
}

void Cluster::end_move(const Outcome& promotion) {
  if (!promotion.done) {
    give_up(fmt::format("{}: {}", promotion.command.node, promotion.words));
    return;
  }
  rw_ = move_->to;
  move_->promoted = promotion.ended;
  find(rw_)->view.read_only = false;  // until it is asked again
  progress_.clear();
  unfinished_.reset();
  detected_.reset();
  if (!move_->from.empty() && move_->from != move_->to) {  // else the first one, or given back
    moves_.push_back(*move_);
  }
  if (moves_.size() > kept_moves) {
    moves_.pop_front();
  }
  move_.reset();
  stage_ = Stage::none;
}

/// The next decision begins again with what the nodes say then.
void Cluster::give_up(const std::string& why) {
  given_up_ = why;
  unfinished_ = std::move(move_);
  move_.reset();
  stage_ = Stage::none;
}

void Cluster::issue(Node& node, Act act, std::string source, Position position) {
  node.doing = ++last_id_;
  commands_.push_back({node.doing, act, node.name, std::move(source), std::move(position)});
}

}  // namespace faultline::database
