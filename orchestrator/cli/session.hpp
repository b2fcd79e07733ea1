#pragma once

#include "orchestrator/cli/command.hpp"
#include "orchestrator/engine/run.hpp"
#include "orchestrator/guard/leftovers.hpp"
#include "orchestrator/guard/link.hpp"
#include "orchestrator/store/journal.hpp"
#include "targets/catalog.hpp"
#include "targets/net/asio_clock.hpp"
#include "targets/prometheus/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace faultline::cli {

/// Runs `io` until `start`'s callback was called, and returns what it got.
template <class T, class Start>
Result<T> await(boost::asio::io_context& io, Start start) {
  std::optional<Result<T>> answer;
  start([&](Result<T> result) { answer = std::move(result); });
  io.restart();
  while (!answer && io.run_one() > 0) {
  }
  return answer ? std::move(*answer)
                : Result<T>(Error{ErrorKind::io, "the environment went away without an answer"});
}

/// One use of an environment by one command: the event loop, the journal, the target. Members are
/// in the order of construction; destruction, backwards, is the shutdown order.
class Session {
 public:
  struct Options {
    const engine::Environment& environment;
    std::string profile;  ///< empty: the one that is up, else hardened
    Duration wait_for_owner{};
    std::optional<Duration> timeout;
    std::uint64_t seed = 1;
    std::vector<engine::Approval> approvals = {};
    bool measure = true;
    bool without_faults = false;  ///< see RunInputs; such a run is no part of the history
    engine::Timeline::Sink on_event;
    std::function<void(std::string)> progress;
  };

  /// Puts leftovers back, checks that the journal can be written, then opens the environment.
  /// Nothing is injected when any of it fails.
  static Result<std::unique_ptr<Session>> open(const Context& context, Options options);

  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs one experiment to its end. SIGINT, SIGTERM and `faultline abort` stop it, reverted.
  engine::RunResult run(const engine::Experiment& experiment);
  [[nodiscard]] targets::Target& target() { return *target_; }
  /// Why somebody wants no further run: a signal, `faultline abort`, a STOP file. Empty: nobody.
  [[nodiscard]] std::string stopped() const;

 private:
  Session(const Context& context, Options options)
      : context_(context), options_(std::move(options)), signals_(io_), clock_(io_.get_executor()) {
    if (const auto& prometheus = options_.environment.prometheus; !prometheus.url.empty()) {
      web_.emplace(io_.get_executor(), prometheus.allowed);
      prometheus_.emplace(*web_, prometheus::Server{.url = prometheus.url});
    }
  }
  Result<> attach_guard();
  void await_signal();
  /// Stops the run that is under way, and those that would come after it.
  void stop(engine::Stop why, const std::string& reason);

  const Context& context_;
  Options options_;
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
  std::function<void(engine::Stop, const std::string&)> stop_;
  std::optional<std::pair<engine::Stop, std::string>> stopped_;  ///< by a person
  net::AsioClock clock_;
  std::optional<web::Client> web_;  ///< of the environment's Prometheus, if it has one
  std::optional<prometheus::Client> prometheus_;
  std::string id_;
  std::filesystem::path journal_file_;
  bool all_closed_ = true;
  bool under_way_ = false;                       ///< a run that has not come to its end
  std::unique_ptr<store::FileJournal> journal_;  // before the target: an undo may still be written
  std::unique_ptr<targets::Target> target_;
  std::unique_ptr<guard::Link> guard_;
};

/// What recovery did with the faults of owners that are gone.
struct Recovered {
  std::vector<std::string> lines;    ///< in words, one a fault
  std::vector<std::string> residue;  ///< what is still not as it was
};
/// Puts back what journals of this home still hold open, but for those whose owner lives. What
/// cannot be put back and is accepted is held no more.
Result<Recovered> recover_leftovers(const Context& context,
                                    const std::optional<guard::Acceptance>& accept = {});

/// "20261120-234728-1f3a": sorts by time; unique enough for one home.
std::string new_run_id();

/// "30s", "500ms", "5m", "1h". Error `usage` otherwise.
Result<Duration> parse_duration(const std::string& text);

}  // namespace faultline::cli
