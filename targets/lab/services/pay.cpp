#include "targets/lab/services/pay.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace faultline::services {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration usual_time = 5ms;           ///< of a charge; a real one takes longer, never less
constexpr std::size_t max_payments = 100'000;  ///< remembered: half an hour at 60/s
constexpr std::size_t max_layers = 64;         ///< far more than a drill stacks
constexpr int max_delay_ms = 600'000;          ///< longer than any fault may last

struct ModeName {
  PayLayer::Mode mode;
  std::string_view name;
};
constexpr std::array modes{
    ModeName{PayLayer::Mode::latency, "latency"}, ModeName{PayLayer::Mode::reset, "reset"},
    ModeName{PayLayer::Mode::status, "status"}, ModeName{PayLayer::Mode::slow_body, "slow_body"}};

[[noreturn]] void wrong(std::string message) {
  throw Failure({ErrorKind::usage, std::move(message)});
}

int number(const Json& request, const char* field, int usual, int min, int max) {
  const auto found = request.find(field);
  if (found == request.end()) {
    return usual;
  }
  if (!found->is_number_integer() || *found < min || *found > max) {
    wrong(
        fmt::format("{} expects a number from {} to {}, found {}", field, min, max, found->dump()));
  }
  return found->get<int>();
}

std::string id_in(const Json& value) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    wrong("expected the id of a layer, found " + value.dump());
  }
  return value.get<std::string>();
}

PayLayer to_layer(const Json& request) {
  PayLayer layer;
  layer.id = id_in(request.at("add"));
  const std::string mode = request.value("mode", "");
  const auto* known = std::ranges::find(modes, mode, &ModeName::name);
  if (known == modes.end()) {
    wrong(fmt::format("expected mode latency, reset, status or slow_body, found '{}'", mode));
  }
  layer.mode = known->mode;
  layer.delay = std::chrono::milliseconds(number(request, "delay_ms", 0, 0, max_delay_ms));
  layer.status = number(request, "status", layer.status, 200, 599);
  layer.share_percent = number(request, "share_percent", layer.share_percent, 0, 100);
  return layer;
}

Json to_json(const PayLayer& layer) {
  return {{"id", layer.id},
          {"mode", std::ranges::find(modes, layer.mode, &ModeName::mode)->name},
          {"delay_ms", layer.delay / 1ms},
          {"status", layer.status},
          {"share_percent", layer.share_percent}};
}

void apply(const PayLayer& layer, Reaction& reaction) {
  switch (layer.mode) {
    case PayLayer::Mode::latency:
      reaction.delay += layer.delay;
      break;
    case PayLayer::Mode::reset:
      reaction.delay += layer.delay;
      reaction.reset = true;
      break;
    case PayLayer::Mode::status:
      reaction.delay += layer.delay;
      reaction.status = layer.status;
      reaction.body = R"({"error":"the payment service is out of order"})";
      break;
    case PayLayer::Mode::slow_body:
      reaction.body_takes += layer.delay;
      break;
  }
}

Recipe always(Reaction reaction) {
  return [reaction = std::move(reaction)] { return reaction; };
}

}  // namespace

Recipe Pay::handle(const HttpRequest& request) {
  if (request.path == "/health") {
    return always({200, R"({"healthy":true})"});
  }
  if (request.path == "/metrics") {
    return always({200, metrics_text(), "text/plain; version=0.0.4"});
  }
  if (request.path == "/charge" && request.method == "POST") {
    return charge(request);
  }
  return always({404, R"({"error":"expected POST /charge or GET /health"})"});
}

Recipe Pay::charge(const HttpRequest& request) {
  const Json asked = Json::parse(request.body, nullptr, false);
  const std::string order = asked.is_object() ? asked.value("order", Json()).is_string()
                                                    ? asked["order"].get<std::string>()
                                                    : std::string()
                                              : std::string();
  if (order.empty() || !asked.value("amount_cents", Json()).is_number_integer()) {
    return always({400, R"({"error":"expected {\"order\": text, \"amount_cents\": number}"})"});
  }
  Reaction usual{200, Json{{"payment", payment_of(order)}}.dump()};
  usual.delay = usual_time;
  std::vector<std::string> drawn;
  for (const auto& layer : layers_) {
    if (random_() * 100 < layer.share_percent) {
      drawn.push_back(layer.id);
    }
  }
  return
      [this, drawn = std::move(drawn), usual = std::move(usual)] { return through(drawn, usual); };
}

Reaction Pay::through(const std::vector<std::string>& drawn, Reaction reaction) const {
  for (const auto& layer : layers_) {
    if (std::ranges::find(drawn, layer.id) != drawn.end()) {
      apply(layer, reaction);
    }
  }
  return reaction;
}

std::string Pay::payment_of(const std::string& order) {
  ++charges_;
  const auto known = payments_.find(order);
  if (known != payments_.end()) {
    ++repeated_;
    return known->second;
  }
  if (oldest_.size() == max_payments) {
    payments_.erase(oldest_.front());
    oldest_.pop_front();
  }
  oldest_.push_back(order);
  return payments_[order] = fmt::format("pay-{}", charges_);
}

nlohmann::json Pay::control(const Json& request) {
  if (request.contains("add")) {
    PayLayer layer = to_layer(request);
    std::erase_if(layers_, [&](const PayLayer& l) { return l.id == layer.id; });
    if (layers_.size() == max_layers) {
      wrong(fmt::format("there are {} layers already; remove some", max_layers));
    }
    layers_.push_back(std::move(layer));
    return Json::object();
  }
  if (request.contains("remove")) {
    const std::string id = id_in(request["remove"]);
    std::erase_if(layers_, [&](const PayLayer& l) { return l.id == id; });
    return Json::object();
  }
  if (request.contains("show")) {
    Json all = Json::array();
    for (const auto& layer : layers_) {
      all.push_back(to_json(layer));
    }
    return {{"layers", std::move(all)}};
  }
  wrong("expected add, remove or show, found " + request.dump());
}

std::string Pay::metrics_text() const {
  return fmt::format(
      "faultline_pay_charges_total {}\nfaultline_pay_repeated_total {}\n"
      "faultline_pay_layers {}\n",
      charges_, repeated_, layers_.size());
}

}  // namespace faultline::services
