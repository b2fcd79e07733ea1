#include "orchestrator/guard/guard_life.hpp"

#include <algorithm>

namespace faultline::guard {

std::vector<GuardLife::Command> GuardLife::on(const Event& event, Instant now) {
  auto commands = std::visit([&](const auto& e) { return handle(e, now); }, event);
  if (!orchestrators_.empty() || !leftovers_.empty()) {
    idle_since_ = now;
  } else if (now >= idle_since_ + linger) {
    commands.emplace_back(Exit{});
  }
  return commands;
}

Instant GuardLife::due() const {
  return looked_at_ + look_every;
}

GuardLife::Commands GuardLife::handle(const Found& e, Instant) {
  leftovers_[e.journal].owner_may_live = true;
  return take_over(e.journal, false);
}

GuardLife::Commands GuardLife::handle(const Attached& e, Instant now) {
  orchestrators_[e.client] = {e.journal, now + lease};
  return {Answer{e.client}};
}

GuardLife::Commands GuardLife::handle(const Beat& e, Instant now) {
  const auto it = orchestrators_.find(e.client);
  if (it == orchestrators_.end() || it->second.relieved) {
    return {Relieve{e.client}};
  }
  it->second.lease_ends = now + lease;
  return {Answer{e.client}};
}

GuardLife::Commands GuardLife::handle(const Detached& e, Instant) {
  orchestrators_.erase(e.client);
  return {Answer{e.client}};
}

GuardLife::Commands GuardLife::handle(const Lost& e, Instant) {
  const auto it = orchestrators_.find(e.client);
  if (it == orchestrators_.end()) {
    return {};
  }
  const auto journal = it->second.journal;
  orchestrators_.erase(it);
  leftovers_[journal].owner_may_live = false;
  return take_over(journal, false);
}

GuardLife::Commands GuardLife::take_over(const std::string& journal, bool owner_hangs) {
  auto& leftover = leftovers_[journal];
  leftover.owner_hangs = owner_hangs;
  if (leftover.under_way) {
    return {};  // begun when its owner hung, and that owner is dead by now
  }
  leftover.under_way = true;
  ++leftover.attempts;
  return {Recover{journal, owner_hangs}};
}

GuardLife::Commands GuardLife::handle(const Recovered& e, Instant now) {
  auto& leftover = leftovers_[e.journal];
  leftover.under_way = false;
  for (auto& [client, orchestrator] : orchestrators_) {
    if (e.nothing_open && orchestrator.journal == e.journal) {
      orchestrator.relieved = false;  // it may still act, so it is still watched
      orchestrator.lease_ends = now + lease;
    }
  }
  const bool over = e.complete || (e.owned && leftover.owner_may_live);
  const bool given_up = !over && leftover.attempts >= attempts;
  if (over || given_up) {
    leftovers_.erase(e.journal);
    return given_up ? Commands{GiveUp{e.journal}} : Commands{};
  }
  leftover.retry_at = now + std::min(first_pause * (1 << (leftover.attempts - 1)), longest_pause);
  return {};
}

GuardLife::Commands GuardLife::handle(const Tick&, Instant now) {
  const bool stood_still = now > due() + own_delay;
  looked_at_ = now;
  Commands commands;
  for (auto& [client, orchestrator] : orchestrators_) {
    if (stood_still) {
      orchestrator.lease_ends = now + lease;
    }
    if (!orchestrator.relieved && now >= orchestrator.lease_ends) {
      orchestrator.relieved = true;
      commands.emplace_back(Relieve{client});
      std::ranges::copy(take_over(orchestrator.journal, true), std::back_inserter(commands));
    }
  }
  for (auto& [journal, leftover] : leftovers_) {
    if (!leftover.under_way && now >= leftover.retry_at) {
      std::ranges::copy(take_over(journal, leftover.owner_hangs), std::back_inserter(commands));
    }
  }
  return commands;
}

}  // namespace faultline::guard
