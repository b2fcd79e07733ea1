#include "targets/lab/supervisor_checks.hpp"
#include "targets/lab/supervisor_http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace faultline::lab {
namespace {

using targets::CheckResult;
using targets::Json;
using Done = CheckKind::Done;

constexpr Duration metadata_limit = std::chrono::seconds(1);
constexpr int http_ok = 200;
constexpr int most_calls = 2000;   // of one check
constexpr int calls_at_once = 50;  // each has a descriptor of the supervisor's 1,024

void announced(const CheckParts& lab, const Json& args, Done done) {
  const auto& instance = process_of(lab, args, "component");
  const auto& metadata = *lab.topology.of_kind("metadata").front();
  ask(lab.io,
      http_question({instance.host, metadata.address, metadata.port}, "GET",
                    "/latest/meta-data/instance/spot/termination-time", "", metadata_limit),
      [done = std::move(done), name = instance.name](const Heard& heard) {
        const auto answer = heard ? parse_http(heard->text) : std::nullopt;
        if (!answer) {
          done(
              CheckResult{false, heard ? "the metadata answers half a page" : heard.error().words});
        } else if (answer->status != http_ok) {
          done(CheckResult{false, fmt::format("the metadata answers {} {}: no termination time",
                                              name, answer->status)});
        } else {
          done(CheckResult{true, fmt::format("the metadata tells {} its termination time {}", name,
                                             answer->body)});
        }
      });
}

void gone(const CheckParts& lab, const Json& args, Done done) {
  const auto& name = process_of(lab, args, "component").name;
  const auto how = lab.reclaims.how_it_ended(args.at("action").get<std::string>());
  done(CheckResult{!how.empty(), how.empty() ? fmt::format("{} has not been ended yet", name)
                                             : fmt::format("{} {}", name, how)});
}

/// Calls of the third party that do not pass the NAT's pool: from its own host.
class Calls : public std::enable_shared_from_this<Calls> {
 public:
  using Finish = std::function<void(const Calls&)>;

  Calls(const CheckParts& lab, const Process& to, Duration limit, int calls, Finish finish)
      : io_(lab.io), to_(to), limit_(limit), left_(calls), finish_(std::move(finish)) {}

  /// Until `enough_bad` had no good answer, or all are made.
  void begin(int enough_bad) {
    enough_bad_ = enough_bad;
    for (int i = std::min(left_, calls_at_once); i > 0; --i) {
      call();
    }
  }

  [[nodiscard]] int bad() const { return bad_; }
  [[nodiscard]] int made() const { return made_; }
  [[nodiscard]] double last_good_ms() const { return last_good_ms_; }
  /// An error when a call could not be made.
  [[nodiscard]] const Result<>& all_made() const { return all_made_; }
  /// Of the last call that had no good answer.
  [[nodiscard]] const std::string& last_words() const { return last_words_; }

 private:
  void call() {
    --left_;
    ++open_;
    // Unique in the life of the third party, which charges an order once.
    const auto order = fmt::format(
        "check-{}-{}", std::chrono::steady_clock::now().time_since_epoch().count(), left_);
    ask(io_,
        http_question({"nat", to_.address, to_.port}, "POST", "/charge",
                      Json{{"order", order}, {"amount_cents", 1}}.dump(), limit_),
        [me = shared_from_this()](const Heard& heard) { me->heard(heard); });
  }

  void heard(const Heard& heard) {
    --open_;
    if (auto asked = was_asked(heard); asked) {
      judge(heard);
    } else {
      all_made_ = asked;  // it shows nothing of the third party
    }
    if (bad_ >= enough_bad_) {
      left_ = 0;
    }
    if (left_ > 0) {
      call();
    } else if (open_ == 0) {
      finish_(*this);
    }
  }

  void judge(const Heard& heard) {
    ++made_;
    const auto answer = heard ? parse_http(heard->text) : std::nullopt;
    if (answer && answer->status == http_ok) {
      last_good_ms_ = to_ms(heard->took);
    } else {
      ++bad_;
      last_words_ =
          answer  ? fmt::format("answered {} in {:.0f} ms", answer->status, to_ms(heard->took))
          : heard ? "half an answer"
                  : heard.error().words;
    }
  }

  boost::asio::io_context& io_;
  const Process& to_;
  const Duration limit_;
  int left_;
  int open_ = 0;
  int made_ = 0;
  int bad_ = 0;
  int enough_bad_ = 1;
  Result<> all_made_;
  double last_good_ms_ = 0;
  std::string last_words_;
  Finish finish_;
};

Duration within(const Json& args) {
  return std::chrono::milliseconds(args.at("within_ms").get<std::int64_t>());
}

void good(const CheckParts& lab, const Json& args, Done done) {
  const auto& to = process_of(lab, args, "dependency");
  std::make_shared<Calls>(
      lab, to, within(args), 1,
      [done = std::move(done), name = to.name](const Calls& calls) {
        if (!calls.all_made()) {
          done(calls.all_made().error());
          return;
        }
        done(CheckResult{calls.bad() == 0, calls.bad() == 0
                                               ? fmt::format("{} answered a direct call well in "
                                                             "{:.0f} ms",
                                                             name, calls.last_good_ms())
                                               : "direct call: " + calls.last_words()});
      })
      ->begin(1);
}

void bad(const CheckParts& lab, const Json& args, Done done) {
  const auto& to = process_of(lab, args, "dependency");
  const auto at_least = args.value("at_least", 1);
  const auto count = std::clamp(args.value("calls", 1), 1, most_calls);
  std::make_shared<Calls>(
      lab, to, within(args), count,
      [done = std::move(done), at_least, name = to.name](const Calls& calls) {
        if (!calls.all_made() && calls.bad() < at_least) {
          done(calls.all_made().error());
          return;
        }
        const auto figures = fmt::format("{} of {} direct calls to {} had no good answer",
                                         calls.bad(), calls.made(), name);
        done(CheckResult{calls.bad() >= at_least,
                         calls.bad() == 0
                             ? figures
                             : fmt::format("{}; the last: {}", figures, calls.last_words())});
      })
      ->begin(at_least);
}

}  // namespace

std::vector<CheckKind> outside_checks() {
  return {{"spot.announced", announced},
          {"spot.gone", gone},
          {"dependency.good", good},
          {"dependency.bad", bad}};
}

}  // namespace faultline::lab
