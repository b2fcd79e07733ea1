#include "orchestrator/cli/session.hpp"

#include "orchestrator/cli/control.hpp"
#include "orchestrator/cli/outcome.hpp"
#include "orchestrator/cli/stop_file.hpp"
#include "orchestrator/script/params.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <csignal>
#include <pwd.h>
#include <random>
#include <unistd.h>

namespace faultline::cli {
namespace fs = std::filesystem;
namespace {

std::string operator_name() {
  const passwd* user = ::getpwuid(::getuid());
  return fmt::format("{}, pid {}",
                     user != nullptr ? user->pw_name : fmt::format("uid {}", ::getuid()),
                     ::getpid());
}

}  // namespace

std::string new_run_id() {
  std::random_device random;
  return fmt::format("{:%Y%m%d-%H%M%S}-{:04x}", fmt::gmtime(std::time(nullptr)), random() & 0xffff);
}

Result<Duration> parse_duration(const std::string& text) {
  if (const auto duration = script::parse_duration(text)) {
    return *duration;
  }
  return Error{ErrorKind::usage,
               fmt::format("expected a duration such as 500ms, 30s, 5m or 1h, found '{}'", text)};
}

Result<std::unique_ptr<Session>> Session::open(const Context& context, Options options) {
  std::unique_ptr<Session> session(new Session(context, std::move(options)));
  const auto folder = context.home / "journal";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return Error{
        ErrorKind::io,
        fmt::format("nothing was injected: {} cannot be created: {}; set FAULTLINE_HOME to a "
                    "folder that can be written",
                    folder.string(), error.message())};
  }
  const auto recovered = recover_leftovers(context);
  if (!recovered) {
    return recovered.error();
  }
  for (const auto& line : recovered->lines) {
    session->options_.progress(line);
  }
  if (!recovered->residue.empty()) {
    return Error{
        ErrorKind::conflict,
        fmt::format("nothing was injected: leftovers of an earlier run could not be put back: "
                    "{}; see `faultline recover`",
                    recovered->residue.front())};
  }
  if (const auto why = stop_file(context.home); !why.empty()) {
    return Error{ErrorKind::refused, "nothing was injected: " + why};
  }
  session->id_ = new_run_id();
  session->journal_file_ = folder / (session->id_ + ".journal");
  auto journal = store::FileJournal::open(session->journal_file_, session->io_.get_executor());
  if (!journal) {
    return Error{journal.error().kind, "nothing was injected: " + journal.error().message};
  }
  session->journal_ = std::move(*journal);
  const auto* kind = targets::find(session->options_.environment.target);
  auto target = kind->open(session->io_, {.home = context.home,
                                          .cache = context.cache,
                                          .profile = session->options_.profile,
                                          .stage = true,
                                          .progress = [&session](const std::string& step) {
                                            session->options_.progress("staging: " + step);
                                          }});
  if (!target) {
    return target.error();
  }
  session->target_ = std::move(*target);
  if (const auto guarded = session->attach_guard(); !guarded) {
    return Error{guarded.error().kind, "nothing was injected: " + guarded.error().message};
  }
  session->signals_.add(SIGINT);  // before, nothing is injected: they end the process
  session->signals_.add(SIGTERM);
  session->await_signal();
  return session;
}

Result<> Session::attach_guard() {
  guard_ = std::make_unique<guard::Link>(guard::Link::Options{
      .executor = io_.get_executor(),
      .clock = clock_,
      .home = context_.home,
      .journal = journal_file_,
      .on_relieved =
          [this] {
            stop(engine::Stop::environment_lost,
                 "this process stood still for longer than its lease of 3 s, and its guard put "
                 "everything back");
          },
      .on_note = [this](const std::string& text) { options_.progress(text); }});
  return await<void>(io_, [this](auto done) { guard_->attach(done); });
}

Session::~Session() {
  if (guard_ && !under_way_) {
    guard_->detach();
  }
  if (journal_ && all_closed_) {
    store::remove_segments(journal_file_);
  }
}

std::string Session::stopped() const {
  return stopped_ ? stopped_->second : stop_file(context_.home);
}

void Session::stop(engine::Stop why, const std::string& reason) {
  if (!stopped_ && why != engine::Stop::timeout && why != engine::Stop::environment_lost) {
    stopped_ = {why, reason};
  }
  if (stop_) {
    stop_(why, reason);
  }
}

void Session::await_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (!error) {
      const bool interrupt = signal == SIGINT;
      stop(interrupt ? engine::Stop::interrupt : engine::Stop::terminate,
           interrupt ? "interrupted (Ctrl-C)" : "terminated (SIGTERM)");
      await_signal();
    }
  });
}

engine::RunResult Session::run(const engine::Experiment& experiment) {
  const auto world = await<targets::World>(io_, [&](auto done) { target_->observe(done); });
  const auto id = std::exchange(id_, new_run_id());
  engine::Run run({.environment = options_.environment,
                   .experiment = experiment,
                   .target = *target_,
                   .journal = *journal_,
                   .clock = clock_,
                   .executor = io_.get_executor(),
                   .id = id,
                   .operator_name = operator_name(),
                   .approvals = options_.approvals,
                   .profile = world ? world->profile : options_.profile,
                   .seed = options_.seed,
                   .wait_for_owner = options_.wait_for_owner,
                   .measure = options_.measure,
                   .without_faults = options_.without_faults,
                   .prometheus = prometheus_ ? &*prometheus_ : nullptr,
                   .on_event = options_.on_event,
                   .guarded = [this] { return guard_->guarded(); },
                   .halted = [this] { return stop_file(context_.home); }});
  std::optional<engine::RunResult> result;
  stop_ = [&](engine::Stop why, const std::string& reason) { run.stop(why, reason); };
  ControlSocket control(io_, context_.home, id, [this](const std::string& reason) {
    stop(engine::Stop::abort, "aborted: " + reason);
  });
  std::unique_ptr<Timer> timeout;
  if (options_.timeout) {
    timeout = clock_.at(clock_.now() + *options_.timeout, [&] {
      stop(engine::Stop::timeout,
           "the run took longer than its --timeout of " + in_words(*options_.timeout));
    });
  }
  if (!options_.without_faults) {
    note_begun(context_, run.record());
  }
  const bool all_closed_before = std::exchange(
      all_closed_, false);  // until the run says so: whatever throws, its journal stays
  under_way_ = true;
  run.start([&](engine::RunResult r) { result = std::move(r); });
  if (stopped_) {  // before this run began
    run.stop(stopped_->first, stopped_->second);
  }
  io_.restart();
  while (!result) {
    try {
      io_.run_one();
    } catch (const std::exception& error) {  // a bug; the run must still put everything back
      stop(engine::Stop::environment_lost, fmt::format("internal error: {}", error.what()));
    }
  }
  stop_ = nullptr;
  under_way_ = false;
  control.over(result->exit_code, result->record.at("reason").get<std::string>());
  all_closed_ = all_closed_before && result->all_closed;
  return std::move(*result);
}

}  // namespace faultline::cli
