#include "targets/lab/services/billing.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace faultline::services {
namespace {

using Json = nlohmann::json;

constexpr std::string_view pending = "pending";

std::string name_in(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Answer failed_at(std::string_view step, int status, std::string_view why) {
  return failed(status, fmt::format("{}: {}", step, why));
}

std::string_view outcome_name(Payment::Outcome outcome) {
  return outcome == Payment::Outcome::paid      ? "paid"
         : outcome == Payment::Outcome::pending ? "pending"
                                                : "failed";
}

}  // namespace

Answer Billing::checkout(std::string_view body, Instant deadline) {
  const Json request = Json::parse(body, nullptr, false);
  Order order;
  if (request.is_object()) {
    order.tenant = name_in(request, "tenant");
    order.product = name_in(request, "product");
    order.key = name_in(request, "order");
  }
  if (!is_name(order.tenant) || !is_name(order.product) || !is_name(order.key)) {
    return failed(400, R"(expected {"tenant", "product", "order"}: letters, digits, '-', '_', )"
                       "'.', at most 64");
  }
  const Price price = parts_.prices.of(order.tenant, order.product, deadline);
  if (price.status != 200) {
    return failed_at("price", price.status, price.why);
  }
  order.amount_cents = price.cents;
  const Payment payment = parts_.payments.pay(order.key, order.amount_cents);
  parts_.metrics.count(
      fmt::format(R"(payments_total{{outcome="{}"}})", outcome_name(payment.outcome)));
  if (payment.outcome == Payment::Outcome::failed) {
    return failed_at("payment", payment.status, payment.why);
  }
  const bool paid = payment.outcome == Payment::Outcome::paid;
  order.payment = paid ? payment.id : pending;
  const SqlReply placed = place(order, deadline);
  if (!placed.ok()) {
    return failed_at("order", passes(placed.error) ? 503 : 500, in_words(placed.error));
  }
  parts_.jobs.push(order.key);  // best effort: it counts what it could not take
  Answer answer{200, Json{{"order", order.key}, {"payment", order.payment}}.dump()};
  answer.degraded = paid ? "" : "payment pending";
  return answer;
}

SqlReply Billing::place(const Order& order, Instant deadline) {
  SqlReply reply;
  const bool let_in = parts_.hold.run(deadline, [&](Duration timeout) {
    reply = parts_.orders.place(order, timeout);
    return reply.ok()            ? WriteHold::Attempt::done
           : passes(reply.error) ? WriteHold::Attempt::may_pass
                                 : WriteHold::Attempt::in_vain;
  });
  const std::string outcome(let_in ? to_string(reply.error) : "not_held");
  parts_.metrics.count(fmt::format(R"(orders_total{{class="{}"}})", outcome));
  return reply;
}

}  // namespace faultline::services
