#pragma once

#include "targets/clock.hpp"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace faultline::guard {

/// Decides when a guard puts back what an orchestrator left: events in, commands out. Pure.
class GuardLife {
 public:
  using Client = int;

  // What happened.
  struct Found {
    std::string journal;  ///< was there when the guard started: an earlier one may have died
  };
  struct Attached {
    Client client;
    std::string journal;  ///< the file in which its faults are recorded
  };
  struct Beat {
    Client client;
  };
  struct Detached {
    Client client;
  };  ///< its work is over, as it should be
  struct Lost {
    Client client;
  };  ///< its end of the socket was closed
  struct Recovered {
    std::string journal;
    bool complete;
    bool nothing_open;   ///< there was nothing to take over, so its owner was not fenced
    bool owned = false;  ///< somebody has it locked
  };
  struct Tick {};  ///< `due` has come
  using Event = std::variant<Found, Attached, Beat, Detached, Lost, Recovered, Tick>;

  // What to do.
  struct Answer {
    Client client;
  };
  struct Relieve {
    Client client;
  };  ///< tell it that its lease is over
  /// Put back what the journal holds; answered by Recovered. `owner_hangs`: it still has its locks.
  struct Recover {
    std::string journal;
    bool owner_hangs;
  };
  struct GiveUp {
    std::string journal;
  };  ///< `faultline recover` goes on
  struct Exit {};
  using Command = std::variant<Answer, Relieve, Recover, GiveUp, Exit>;

  explicit GuardLife(Instant now) : idle_since_(now), looked_at_(now) {}
  std::vector<Command> on(const Event& event, Instant now);
  /// When the next Tick is wanted.
  [[nodiscard]] Instant due() const;

  /// DESIGN: "heartbeat late: 3 s".
  static constexpr Duration lease = std::chrono::seconds(3);
  /// Leases are looked at so often.
  static constexpr Duration look_every = std::chrono::milliseconds(250);
  /// A look that comes later than this says that the guard itself stood still: then the beats that
  /// it did not hear are no sign, and every lease starts anew.
  static constexpr Duration own_delay = std::chrono::milliseconds(500);
  /// Nobody attached and nothing to put back: it ends, and the next orchestrator starts another.
  static constexpr Duration linger = std::chrono::seconds(10);
  static constexpr Duration first_pause = std::chrono::seconds(1);  ///< doubles, up to the longest
  static constexpr Duration longest_pause = std::chrono::seconds(16);
  static constexpr int attempts = 10;  ///< some 2 min

 private:
  using Commands = std::vector<Command>;
  struct Orchestrator {
    std::string journal;
    Instant lease_ends;
    bool relieved = false;
  };
  struct Leftover {
    bool owner_hangs = false;
    bool owner_may_live = false;  ///< then it is his, and he attaches
    bool under_way = false;
    int attempts = 0;
    Instant retry_at{};
  };

  Commands handle(const Found& e, Instant now);
  Commands handle(const Attached& e, Instant now);
  Commands handle(const Beat& e, Instant now);
  Commands handle(const Detached& e, Instant now);
  Commands handle(const Lost& e, Instant now);
  Commands handle(const Recovered& e, Instant now);
  Commands handle(const Tick& e, Instant now);
  Commands take_over(const std::string& journal, bool owner_hangs);

  std::map<Client, Orchestrator> orchestrators_;
  std::map<std::string, Leftover> leftovers_;  ///< by journal
  Instant idle_since_, looked_at_;
};

}  // namespace faultline::guard
