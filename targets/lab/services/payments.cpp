#include "targets/lab/services/payments.hpp"

#include "targets/lab/services/answer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace faultline::services {
namespace {

using Json = nlohmann::json;

/// "paid" with an id, else "failed" with the reason. Ids become text in a row: names only.
Payment outcome_of(const CallReply& reply, Metrics& metrics) {
  Payment payment;
  std::string kind(to_string(reply.error));
  if (!reply.answered()) {
    const bool late =
        reply.error == CallError::connect_timeout || reply.error == CallError::timeout;
    payment.status = late ? 504 : 502;
    payment.why = in_words(reply.error);
  } else if (reply.status != 200) {
    payment.status = 502;
    payment.why = fmt::format("status {}", reply.status);
    kind = fmt::format("status_{}", reply.status);
  } else {
    const Json answer = Json::parse(reply.body, nullptr, false);
    payment.id = answer.is_object() && answer.value("payment", Json()).is_string()
                     ? answer["payment"].get<std::string>()
                     : "";
    const bool paid = payment.id.size() <= 40 && is_name(payment.id) && payment.id != "pending";
    payment.outcome = paid ? Payment::Outcome::paid : Payment::Outcome::failed;
    payment.status = paid ? 200 : 502;
    payment.why = paid ? "" : "an answer without a payment";
    kind = paid ? "ok" : "nonsense";
  }
  metrics.count(fmt::format(R"(payment_calls_total{{class="{}"}})", kind));
  return payment;
}

}  // namespace

CallReply HttpPayApi::charge(const std::string& order, int amount_cents, const CallLimits& limits) {
  return client_.call(
      {"POST", "/charge", {}, Json{{"order", order}, {"amount_cents", amount_cents}}.dump()},
      limits);
}

Payment PlainPayments::pay(const std::string& order, int amount_cents) {
  return outcome_of(api_.charge(order, amount_cents, {}), metrics_);
}

Payment GuardedPayments::pay(const std::string& order, int amount_cents) {
  const auto seat = parts_.bulkhead.enter();
  if (!seat) {
    return pending("too many payments are in flight");
  }
  const auto ticket = parts_.breaker.allow();
  if (!ticket) {
    return pending("the breaker is open");
  }
  const Instant end = parts_.now() + parts_.timeout;
  const Payment payment =
      outcome_of(parts_.api.charge(order, amount_cents, {end, end}), parts_.metrics);
  const bool paid = payment.outcome == Payment::Outcome::paid;
  parts_.breaker.report(*ticket, paid);
  return paid ? payment : pending(payment.why);
}

Payment GuardedPayments::pending(std::string why) {
  Payment payment;
  payment.outcome = Payment::Outcome::pending;
  payment.status = 200;
  payment.why = std::move(why);
  return payment;
}

}  // namespace faultline::services
