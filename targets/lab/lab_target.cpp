#include "targets/lab/lab_target.hpp"

#include "targets/lab/lab_worker.hpp"
#include "targets/lab/supervisor_actions.hpp"

#include <fmt/format.h>

#include <system_error>

namespace faultline::lab {
namespace {

using targets::Done;
using targets::Epoch;
using targets::Json;
using targets::Outcome;

/// A change waits for nft, for a process to stop or for a host's rules: tens of milliseconds.
constexpr Duration change_limit = answer_limit;
/// Sentinel answers a switchover within its failover timeout of 10 s.
constexpr Duration check_limit = std::chrono::seconds(20);       // 200 pings, many slow calls
constexpr Duration bring_home_limit = std::chrono::seconds(25);  // the lab gives up after 20 s

/// Kinds that wait for more: the database's manager answers within 12 s, flows are all tried
/// within 65 s.
Duration apply_limit(const targets::Action& action) {
  using namespace std::chrono_literals;
  return action.kind == "flows.hold"            ? 70s
         : action.kind == "database.switchover" ? 15s
                                                : change_limit;
}

/// Calls `done` with what `read` makes of an answer.
template <class T, class Read>
Connection::OnAnswer answering(Done<T> done, Read read) {
  return [done = std::move(done), read = std::move(read)](Result<Answer> answer) {
    Result<T> outcome = answer ? Result<T>(Error{}) : Result<T>(answer.error());
    if (answer) {
      try {
        outcome = ok<T>(read(answer->ok));
      } catch (const Json::exception& malformed) {
        outcome = Error{ErrorKind::io, fmt::format("the lab answered what this program does not "
                                                   "understand: {}",
                                                   malformed.what())};
      }
    }
    done(std::move(outcome));
  };
}

std::uint64_t cpu_of_this_process_ms() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  const auto time = std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

/// For answers that say nothing but that it is done.
Connection::OnAnswer acknowledging(Done<void> done) {
  return [done = std::move(done)](const Result<Answer>& answer) {
    done(answer ? Result<>() : Result<>(answer.error()));
  };
}

}  // namespace

const std::set<std::string>& capabilities() {
  static const auto all = [] {
    auto kinds = action_kinds();
    kinds.emplace(targets::tells_recovery_steps);
    return kinds;
  }();
  return all;
}

PrivateLab::~PrivateLab() {
  end(std::move(process_));
  std::error_code ignored;
  std::filesystem::remove_all(home_, ignored);
  std::filesystem::remove(home_.parent_path(), ignored);  // unless another run has one there
}

Json LabTarget::identity() const {
  return {{"target", "lab"},
          {"home", identity_.home.string()},
          {"private", private_lab_ != nullptr},
          {"instance", identity_.instance},
          {"supervisor", identity_.supervisor},
          {"supervisor_started", identity_.supervisor_started}};
}

void LabTarget::acquire(std::string who, Epoch instead_of, Done<Epoch> done) {
  connection_->request("acquire", {{"who", std::move(who)}, {"instead_of", instead_of}},
                       answer_limit, answering<Epoch>(std::move(done), [](const Json& answer) {
                         return answer.at("epoch").get<Epoch>();
                       }));
}

void LabTarget::release(Epoch epoch, Done<void> done) {
  connection_->request("release", {{"epoch", epoch}}, answer_limit, acknowledging(std::move(done)));
}

void LabTarget::renew(Epoch epoch, Done<void> done) {
  connection_->request("renew", {{"epoch", epoch}}, answer_limit, acknowledging(std::move(done)));
}

void LabTarget::arm(const targets::Action& action, Epoch epoch, Done<void> done) {
  connection_->request("arm", {{"epoch", epoch}, {"action", action}}, change_limit,
                       acknowledging(std::move(done)));
}

void LabTarget::apply(const targets::Action& action, Epoch epoch, Done<Outcome> done) {
  auto lost_is_unknown = [done = std::move(done)](Result<Outcome> outcome) {
    const bool lost = !outcome && (outcome.error().kind == ErrorKind::timeout ||
                                   outcome.error().kind == ErrorKind::io);
    done(lost ? Result<Outcome>(Outcome::unknown) : std::move(outcome));
  };
  connection_->request("apply", {{"epoch", epoch}, {"action", action}}, apply_limit(action),
                       answering<Outcome>(std::move(lost_is_unknown), [](const Json& answer) {
                         const auto outcome = answer.at("outcome").get<std::string>();
                         return outcome == "done"      ? Outcome::done
                                : outcome == "refused" ? Outcome::refused
                                                       : Outcome::unknown;
                       }));
}

void LabTarget::revert(const targets::Action& action, Epoch epoch, Done<void> done) {
  connection_->request("revert", {{"epoch", epoch}, {"action", action}}, change_limit,
                       acknowledging(std::move(done)));
}

void LabTarget::observe(Done<targets::World> done) {
  connection_->request("status", Json::object(), answer_limit,
                       answering<targets::World>(std::move(done), [](const Json& answer) {
                         auto world = answer.get<targets::World>();
                         if (world.machine) {
                           world.machine->own_ms += cpu_of_this_process_ms();
                         }
                         return world;
                       }));
}

void LabTarget::check(const targets::Check& check, Done<targets::CheckResult> done) {
  connection_->request("check", {{"check", check}}, check_limit,
                       answering<targets::CheckResult>(std::move(done), [](const Json& answer) {
                         return targets::CheckResult{answer.at("holds").get<bool>(),
                                                     answer.at("evidence").get<std::string>()};
                       }));
}

void LabTarget::invariants(Done<std::vector<targets::Invariant>> done) {
  using Invariants = std::vector<targets::Invariant>;
  connection_->request(
      "invariants", Json::object(), check_limit,
      answering<Invariants>(std::move(done), [](const Json& answer) {
        Invariants all;
        for (const auto& i : answer.at("invariants")) {
          all.push_back({i.at("name").get<std::string>(), i.at("value").get<std::string>(),
                         i.at("wanted").get<std::string>()});
        }
        return all;
      }));
}

void LabTarget::bring_home(Epoch epoch, Done<std::vector<std::string>> done) {
  using Moves = std::vector<std::string>;
  connection_->request("bring_home", {{"epoch", epoch}}, bring_home_limit,
                       answering<Moves>(std::move(done), [](const Json& answer) {
                         return answer.at("moves").get<Moves>();
                       }));
}

void LabTarget::start_worker(targets::WorkerSpec spec,
                             Done<std::unique_ptr<targets::Worker>> done) {
  const auto log = log_folder(identity_.home) / fmt::format("worker-{}.log", spec.host);
  lab::start_worker(connection_, std::move(spec), own_program(), log, std::move(done));
}

void LabTarget::on_notice(std::function<void(const targets::Notice&)> listener) {
  connection_->on_notice(std::move(listener));
}

Result<> LabTarget::save_logs(const std::string& folder) {
  using std::filesystem::copy_options;
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (!failed) {
    std::filesystem::copy(log_folder(identity_.home), folder,
                          copy_options::recursive | copy_options::overwrite_existing, failed);
  }
  if (failed) {
    return Error{ErrorKind::io,
                 fmt::format("cannot copy the lab's logs from {} to {}: {}",
                             log_folder(identity_.home).string(), folder, failed.message())};
  }
  return {};
}

}  // namespace faultline::lab
