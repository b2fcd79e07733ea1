#include "orchestrator/engine/run.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

/// What the environment's own Prometheus says of a run's objectives.
namespace faultline::engine {
namespace {

constexpr Duration ask_again = std::chrono::seconds(1);
constexpr Duration answer_limit = std::chrono::seconds(12);  // two questions of 5 s, and some

}  // namespace

/// About as much of its window as has passed. `then` is called later, once.
void Run::ask(Objective objective, std::function<void(Objective)> then) {
  const WallOf wall{in_.clock.now(), in_.clock.wall()};
  const auto& prometheus = environment_.prometheus;
  const auto sli = objective.expectation.sli;
  const bool final = wall.now >= objective.to + arrival_delay(sli, prometheus);
  const auto fail = [&](const Error& error) {
    judge_metric(objective, error);
    boost::asio::post(in_.executor, [objective, then, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) {
        then(objective);
      }
    });
  };
  if (in_.prometheus == nullptr) {
    return fail({ErrorKind::usage, "the environment has no prometheus"});
  }
  if (sli == Sli::metric) {
    const auto question = metric_question(objective, prometheus, wall);
    if (!question) {
      return fail(question.error());
    }
    return in_.prometheus->figure(
        *question, [objective, then, alive = std::weak_ptr(alive_)](const auto& answer) mutable {
          if (!alive.expired()) {
            judge_metric(objective, answer);
            then(std::move(objective));
          }
        });
  }
  const auto question = alert_question(objective, wall.now, prometheus, wall);
  if (!question) {
    return fail(question.error());
  }
  in_.prometheus->history(*question, [objective, then, wall, final,
                                      alive = std::weak_ptr(alive_)](const auto& answer) mutable {
    if (!alive.expired()) {
      judge_alert(objective, answer, wall, final);
      then(std::move(objective));
    }
  });
}

/// What every sample of a phase has arrived after.
Duration Run::told_after() const {
  Duration latest{};
  for (const auto& expectation : steady_state()) {
    if (is_monitored(expectation.sli)) {
      latest =
          std::max(latest, arrival_delay(expectation.sli, environment_.prometheus) + answer_limit);
    }
  }
  return latest;
}

/// Asked when the samples of the window have arrived.
std::shared_ptr<Run::Told> Run::ask_steady_state(Instant from, Instant to) {
  auto told = std::make_shared<Told>();
  Duration delay{};
  for (const auto& expectation : steady_state()) {
    if (is_monitored(expectation.sli)) {
      ++told->open;
      delay = std::max(delay, arrival_delay(expectation.sli, environment_.prometheus));
    }
  }
  if (told->open == 0) {
    return told;
  }
  asking_ = later(to + delay - in_.clock.now(), [this, told, from, to] {
    const auto expected = steady_state();
    for (std::size_t place = 0; place < expected.size(); ++place) {
      if (is_monitored(expected[place].sli)) {
        ask(open_objective(expected[place], from, to), [this, told, place](Objective answered) {
          told->objectives.emplace(place, std::move(answered));
          --told->open;
          changed();
        });
      }
    }
  });
  return told;
}

/// Alerts are looked at while the window lasts: one that fires is known at once.
Objective Run::expect_monitored(const Expectation& expectation, Instant from, Instant to) {
  const auto last_look = to + arrival_delay(expectation.sli, environment_.prometheus);
  for (;;) {
    const auto now = in_.clock.now();
    const auto next =
        expectation.sli == Sli::metric ? last_look : std::min(last_look, now + ask_again);
    wait(std::max(next - now, Duration::zero()));
    const bool final = in_.clock.now() >= last_look;
    auto answer = std::make_shared<std::optional<Objective>>();
    ask(open_objective(expectation, from, to), [this, answer](Objective answered) {
      *answer = std::move(answered);
      changed();
    });
    block([&] { return answer->has_value(); });
    if ((*answer)->decision != slo::Decision::undecided || final) {
      return std::move(**answer);
    }
  }
}

}  // namespace faultline::engine
