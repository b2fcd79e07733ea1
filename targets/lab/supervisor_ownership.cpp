#include "targets/lab/supervisor_ownership.hpp"

#include "targets/lab/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::lab {
namespace {

using targets::Json;
using namespace std::chrono_literals;

constexpr Duration lease = std::chrono::seconds(lease_seconds);
constexpr Duration retry_every = 1s;  // a failed undo is tried again; a human would not see faster
constexpr std::size_t max_armed = 256;     // a run has tens
constexpr std::size_t max_id_bytes = 128;  // nftables allows 256 for a table's name

bool can_name_a_rule(const std::string& id) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
  return !id.empty() && id.size() <= max_id_bytes &&
         id.find_first_not_of(allowed) == std::string::npos;
}

}  // namespace

Result<Ownership::Epoch> Ownership::acquire(std::string who, Epoch instead_of, int connection,
                                            Instant now) {
  if (owner_ && owner_->lease_ends > now && owner_->epoch != instead_of) {
    return Error{ErrorKind::refused,
                 fmt::format("the lab is owned by {}; wait for it, or stop it", owner_->who)};
  }
  owner_ = Owner{std::move(who), connection, ++last_epoch_, now + lease};
  return owner_->epoch;
}

Result<> Ownership::permit(Epoch epoch) const {
  if (owner_ && owner_->epoch == epoch) {
    return {};
  }
  const auto held_by = owner_
                           ? fmt::format("epoch {} ({}) owns it now", owner_->epoch, owner_->who)
                           : fmt::format("its lease ended, epochs up to {} are over", last_epoch_);
  return Error{
      ErrorKind::fenced,
      fmt::format("epoch {} may not change the lab: {}; acquire it again", epoch, held_by)};
}

Result<> Ownership::release(Epoch epoch) {
  auto permitted = permit(epoch);
  if (permitted) {
    owner_.reset();
  }
  return permitted;
}

Result<> Ownership::renew(Epoch epoch, Instant now) {
  auto permitted = permit(epoch);
  if (permitted) {
    owner_->lease_ends = now + lease;
    for (auto& entry : armed_) {
      if (entry.epoch == epoch) {
        entry.lease_ends = now + lease;
      }
    }
  }
  return permitted;
}

bool Ownership::connection_closed(int connection) {
  const bool held = owner_ && owner_->connection == connection;
  if (held) {
    owner_.reset();
  }
  return held;
}

Result<> Ownership::arm(const targets::Action& action, Epoch epoch, Instant now) {
  if (auto permitted = permit(epoch); !permitted) {
    return permitted;
  }
  if (!can_name_a_rule(action.id)) {
    return Error{ErrorKind::usage,
                 fmt::format("an action's id is 1 to {} of [a-z0-9_.-], found '{}'", max_id_bytes,
                             action.id)};
  }
  if (const auto it = find(action.id); it != armed_.end()) {
    if (it->applied) {
      return Error{ErrorKind::refused,
                   fmt::format("action {} is in force already; revert it first", action.id)};
    }
    armed_.erase(it);
  }
  if (armed_.size() == max_armed) {
    return Error{ErrorKind::refused,
                 fmt::format("{} actions are armed, the lab takes no more", max_armed)};
  }
  armed_.push_back(
      {action, epoch, false, false, owner_->lease_ends, now + action.max_duration, now});
  return {};
}

Result<targets::Action> Ownership::begin_apply(const std::string& action, Epoch epoch) {
  if (auto permitted = permit(epoch); !permitted) {
    return permitted.error();
  }
  const auto it = find(action);
  if (it == armed_.end() || it->epoch != epoch) {
    return Error{ErrorKind::refused,
                 fmt::format("action {} was not armed in epoch {}; arm it before", action, epoch)};
  }
  it->applied = true;
  return it->action;
}

Result<std::optional<targets::Action>> Ownership::begin_revert(const std::string& action,
                                                               Epoch epoch) {
  if (auto permitted = permit(epoch); !permitted) {
    return permitted.error();
  }
  const auto it = find(action);
  if (it == armed_.end()) {
    return std::optional<targets::Action>();
  }
  it->reverting = true;
  return std::optional(it->action);
}

void Ownership::reverted(const std::string& action) {
  if (const auto it = find(action); it != armed_.end()) {
    armed_.erase(it);
  }
}

void Ownership::not_reverted(const std::string& action) {
  if (const auto it = find(action); it != armed_.end()) {
    it->reverting = false;
  }
}

Ownership::Expired Ownership::tick(Instant now) {
  Expired expired;
  if (owner_ && owner_->lease_ends <= now) {
    expired.notices.push_back({now, "owner_lost", {{"owner", owner_->who}}});
    owner_.reset();
  }
  for (auto it = armed_.begin(); it != armed_.end();) {
    if (it->due() > now || it->reverting) {
      ++it;
      continue;
    }
    if (!it->applied) {
      it = armed_.erase(it);
      continue;
    }
    if (it->retry_at <= std::min(it->lease_ends, it->deadline)) {
      expired.notices.push_back({now,
                                 "deadline_fired",
                                 {{"action", it->action.id},
                                  {"reason", it->deadline <= now ? "max_duration" : "lease"}}});
    }
    expired.reverts.push_back(it->action);
    it->reverting = true;
    it->retry_at = now + retry_every;
    ++it;
  }
  return expired;
}

std::vector<targets::InForce> Ownership::in_force(Instant now) const {
  std::vector<targets::InForce> all;
  for (const auto& entry : armed_) {
    if (entry.applied) {
      const Duration left = std::min(entry.lease_ends, entry.deadline) - now;
      all.push_back({entry.action, entry.epoch, std::max(left, Duration::zero())});
    }
  }
  return all;
}

std::vector<Ownership::Armed>::iterator Ownership::find(const std::string& action) {
  return std::ranges::find_if(armed_, [&](const Armed& a) { return a.action.id == action; });
}

}  // namespace faultline::lab
