#pragma once

#include "tests/simulation/world.hpp"

#include <string>
#include <vector>

namespace faultline::simulation {

/// What comes over the worker of a probe.
struct Trouble {
  enum class Kind {
    none,
    dies,    ///< without a word
    silent,  ///< goes on, and is not heard any more
    skips,   ///< sends nine of ten requests only
    late,    ///< runs behind its own plan by more than can be believed
    lies,    ///< says that all is well, and sends nothing
  } kind = Kind::none;
  std::string probe;
  Duration after{};               ///< its start
  std::uint64_t lost_writes = 0;  ///< not the worker's doing: so many are not there any more
};

/// What the users of one probe got, and what its worker said of it.
struct Traffic {
  struct Request {
    Instant due;
    bool bad = false;
    bool told = false;  ///< the orchestrator was told what became of it
  };
  std::string probe;
  double rate_per_s = 0;
  Instant started{};
  std::vector<Request> requests;        ///< in the order in which they were due
  std::uint64_t arrived = 0, good = 0;  ///< sent, and said to be answered well
  bool writes = false;
  std::uint64_t lost_writes = 0;                ///< of those that were acknowledged
  Trouble::Kind trouble = Trouble::Kind::none;  ///< that came over it
};

/// A worker as it is seen through its pipes: an open loop that speaks the lines of
/// orchestrator/load, and whose requests fare as the world does.
class SimWorker : public targets::Worker {
 public:
  SimWorker(World& world, Process& orchestrator, targets::WorkerSpec spec, Trouble trouble,
            Traffic& traffic);
  void send(std::string line) override;

 private:
  using Json = nlohmann::json;

  void work();
  /// Whatever was due until now; false when it is at its end.
  [[nodiscard]] bool catch_up();
  [[nodiscard]] Json request(Instant due);
  void finish();
  void say(const Json& line);
  void end(const std::string& reason);

  World& world_;
  Process& orchestrator_;
  targets::WorkerSpec spec_;
  Trouble trouble_;
  Traffic& traffic_;
  Duration gap_{};
  Instant next_{};
  std::unique_ptr<Timer> timer_;
};

}  // namespace faultline::simulation
