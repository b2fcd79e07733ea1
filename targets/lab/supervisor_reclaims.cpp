#include "targets/lab/supervisor_reclaims.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

Instant now() {
  return std::chrono::steady_clock::now();
}

/// As the metadata has it: UTC, whole seconds.
std::string termination_time(Duration notice) {
  const auto at = std::chrono::system_clock::now() +
                  std::chrono::duration_cast<std::chrono::system_clock::duration>(notice);
  const auto whole = rfc3339(std::chrono::time_point_cast<std::chrono::milliseconds>(
      std::chrono::ceil<std::chrono::seconds>(at)));
  return whole.substr(0, whole.find('.')) + 'Z';
}

}  // namespace

Reclaims::Reclaims(boost::asio::io_context& io, Components& components, SideDoors& side_doors)
    : io_(io), components_(components), side_doors_(side_doors) {
  components_.on_death([this](const std::string& name, bool, const Exit& exit) {
    for (const auto& [action, entry] : entries_) {
      if (entry->component == name) {
        entry->reclaim.ended(now(), exit.in_words());
        wait(action);
      }
    }
  });
}

void Reclaims::begin(const std::string& action, const std::string& component,
                     const ReclaimTimes& times, targets::Done<void> done) {
  side_doors_.add("metadata", action, SideDoors::announcement,
                  {{"instance", component}, {"at", termination_time(times.notice)}},
                  [this, action, component, times, done = std::move(done)](const Result<>& told) {
                    if (told) {
                      announced(action, component, times);
                    }
                    done(told);
                  });
}

void Reclaims::announced(const std::string& action, const std::string& component,
                         const ReclaimTimes& times) {
  entries_[action] = std::make_unique<Entry>(
      Entry{component, Reclaim(times, now()), boost::asio::steady_timer(io_)});
  wait(action);
}

void Reclaims::wait(const std::string& action) {
  auto& entry = *entries_.at(action);
  if (!entry.reclaim.next()) {
    entry.timer.cancel();
    return;
  }
  entry.timer.expires_at(*entry.reclaim.next());
  entry.timer.async_wait([this, action](boost::system::error_code e) {
    if (!e && entries_.contains(action)) {
      tick(action);
    }
  });
}

void Reclaims::tick(const std::string& action) {
  const auto& entry = entries_.at(action);
  const auto component = entry->component;
  // A revert does again what failed here: until then the node is held and announced as before.
  const auto ignore = [](const Result<>&) {};
  for (const auto command : entry->reclaim.tick(now())) {
    switch (command) {
      case Reclaim::Command::terminate:
        if (!components_.terminate(component, action)) {
          entry->reclaim.found_dead(now());
        }
        break;
      case Reclaim::Command::kill:
        components_.hold(component, action, Hold::dead, ignore);
        break;
      case Reclaim::Command::withdraw:
        withdraw(action, ignore);
        break;
      case Reclaim::Command::start:
        components_.let_go(component, action, ignore);
        break;
    }
  }
  wait(action);
}

void Reclaims::revert(const std::string& action, const std::string& component,
                      targets::Done<void> done) {
  bool kill = false;
  if (const auto it = entries_.find(action); it != entries_.end()) {
    for (const auto command : it->second->reclaim.revert()) {
      kill = kill || command == Reclaim::Command::kill;
    }
    wait(action);
  }
  const auto let_go = [this, action, component, done](const Result<>& told) {
    if (!told) {
      done(told);  // asked again: everything here can be done twice
      return;
    }
    components_.let_go(component, action, [this, action, done](const Result<>& started) {
      if (started) {
        entries_.erase(action);
      }
      done(started);
    });
  };
  const auto withdrawn = [this, action, let_go](const Result<>&) { withdraw(action, let_go); };
  if (kill) {
    components_.hold(component, action, Hold::dead, withdrawn);
  } else {
    withdrawn(Result<>{});
  }
}

void Reclaims::withdraw(const std::string& action, targets::Done<void> done) {
  side_doors_.remove("metadata", action, SideDoors::announcement, std::move(done));
}

std::string Reclaims::how_it_ended(const std::string& action) const {
  const auto it = entries_.find(action);
  return it == entries_.end() ? "" : it->second->reclaim.how_it_ended();
}

}  // namespace faultline::lab
