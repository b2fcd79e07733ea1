#include "targets/prometheus/client.hpp"

#include "targets/web/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace faultline::prometheus {
namespace {

/// What the server gets less than we wait, so that it is the one to say that it took too long.
constexpr auto head_start = std::chrono::milliseconds(250);

/// Milliseconds as the API has durations; at least one, since 0 is none.
std::string text_of(Duration d) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(d).count();
  return fmt::format("{}ms", std::max<std::int64_t>(1, ms));
}

/// Answers to several questions that are asked at once; `complete` runs when the last has come.
template <class... Parts>
struct Gathered {
  std::tuple<std::optional<Result<Parts>>...> parts;
  std::function<void(Gathered&)> complete;

  template <std::size_t I>
  static auto slot(const std::shared_ptr<Gathered>& all) {
    return [all](auto result) {
      std::get<I>(all->parts).emplace(std::move(result));
      if (std::apply([](const auto&... part) { return (part.has_value() && ...); }, all->parts)) {
        all->complete(*all);
      }
    };
  }
  /// The first error.
  [[nodiscard]] std::optional<Error> error() const {
    std::optional<Error> first;
    const auto look = [&first](const auto& part) {
      if (!first && !*part) {
        first = part->error();
      }
    };
    std::apply([&](const auto&... part) { (look(part), ...); }, parts);
    return first;
  }
  template <std::size_t I>
  const auto& value() const {
    return **std::get<I>(parts);
  }
};

}  // namespace

web::Request Client::request(const std::string& path) const {
  auto base = server_.url;
  while (base.ends_with('/')) {
    base.pop_back();
  }
  return {.url = base + "/api/v1/" + path, .headers = server_.headers, .limit = server_.limit};
}

void Client::ask(const std::string& path, Fields fields, Then<Answer> then) {
  const auto theirs = std::max<Duration>(server_.limit - head_start, server_.limit / 2);
  fields.emplace_back("timeout", text_of(theirs));
  auto request = this->request(path);
  request.form = web::form_of(fields);
  web_.send(request, [then = std::move(then), url = request.url](Result<web::Response> response) {
    auto answer = response ? parse_answer(response->status, response->body)
                           : Result<Answer>(response.error());
    if (response && !answer) {
      answer = Error{answer.error().kind, url + ": " + answer.error().message};
    }
    then(std::move(answer));
  });
}

void Client::query(const std::string& expression, WallTime at, Then<Answer> then) {
  // As text: 2.42 loses a millisecond of some times that are given as numbers.
  ask("query", {{"query", expression}, {"time", rfc3339(at)}}, std::move(then));
}

void Client::query(const std::string& expression, const Window& window, Then<Answer> then) {
  ask("query_range",
      {{"query", expression},
       {"start", rfc3339(window.from())},
       {"end", rfc3339(window.to())},
       {"step", text_of(window.step())}},
      std::move(then));
}

void Client::rules(Then<std::vector<AlertRule>> then) {
  web_.send(request("rules?type=alert"), [then = std::move(then)](Result<web::Response> response) {
    then(response ? parse_alert_rules(response->status, response->body)
                  : Result<std::vector<AlertRule>>(response.error()));
  });
}

void Client::figure(const Question& question, Then<Figure> then) {
  using All = Gathered<Answer, Answer>;
  auto all = std::make_shared<All>();
  all->complete = [question, then = std::move(then)](All& gathered) {
    const auto error = gathered.error();
    then(error ? Result<Figure>(*error)
               : figure_of(question, gathered.value<0>(), gathered.value<1>()));
  };
  query(question.expression, question.window, All::slot<0>(all));
  query(expression_of(question.pulse), question.window, All::slot<1>(all));
}

void Client::history(const AlertQuestion& question, Then<AlertHistory> then) {
  using All = Gathered<std::vector<AlertRule>, Answer, Answer>;
  auto all = std::make_shared<All>();
  all->complete = [question, then = std::move(then)](All& gathered) {
    const auto error = gathered.error();
    then(error
             ? Result<AlertHistory>(*error)
             : history_of(question, gathered.value<0>(), gathered.value<1>(), gathered.value<2>()));
  };
  rules(All::slot<0>(all));
  query(expression_of(question), question.window.to(), All::slot<1>(all));
  query(expression_of(question.pulse), question.window, All::slot<2>(all));
}

}  // namespace faultline::prometheus
