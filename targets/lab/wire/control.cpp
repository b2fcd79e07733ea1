#include "targets/lab/wire/control.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace faultline::wire {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(std::string message) {
  throw Failure({ErrorKind::usage, std::move(message)});
}

std::string text(const Json& request, const char* name) {
  const auto found = request.find(name);
  if (found == request.end() || !found->is_string() || found->get<std::string>().empty()) {
    refuse(fmt::format("{}: expected a text, found {}", name,
                       found == request.end() ? "nothing" : found->dump()));
  }
  return found->get<std::string>();
}

std::uint64_t number(const Json& request, const char* name, std::uint64_t max) {
  const auto found = request.find(name);
  if (found == request.end()) {
    return 0;
  }
  if (!found->is_number_integer() || *found < 0 || *found > max) {
    refuse(fmt::format("{}: expected a whole number from 0 to {}, found {}", name, max,
                       found->dump()));
  }
  return found->get<std::uint64_t>();
}

void expect_only(const Json& request, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : request.items()) {
    if (std::ranges::find(names, name) == names.end()) {
      refuse(fmt::format("unknown field '{}'; known: {}", name, fmt::join(names, ", ")));
    }
  }
}

Json to_json(const std::string& id, const Layer& layer) {
  using std::chrono::floor;
  using std::chrono::microseconds;
  return {{"id", id},
          {"link", layer.link},
          {"delay_us", floor<microseconds>(layer.shape.delay).count()},
          {"jitter_us", floor<microseconds>(layer.shape.jitter).count()},
          {"rate_kbit", layer.shape.bits_per_second / 1000}};
}

}  // namespace

void Control::add(const Json& request) {
  expect_only(request, {"add", "link", "delay_us", "jitter_us", "rate_kbit"});
  const auto max_us =
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::microseconds>(max_delay).count());
  const auto rate_kbit = number(request, "rate_kbit", max_rate_kbit);
  if (rate_kbit != 0 && rate_kbit < min_rate_kbit) {
    refuse(fmt::format("rate_kbit: expected 0 (no limit) or {} to {}, found {}", min_rate_kbit,
                       max_rate_kbit, rate_kbit));
  }
  const Layer layer{
      text(request, "link"),
      {std::chrono::microseconds(number(request, "delay_us", max_us)),
       std::chrono::microseconds(number(request, "jitter_us", max_us)), rate_kbit * 1000}};
  if (auto added = layers_.add(text(request, "add"), layer); !added) {
    throw Failure(added.error());
  }
  reshaped_(layer.link);
}

void Control::remove(const std::string& id) {
  const auto found = layers_.all().find(id);
  if (found == layers_.all().end()) {
    return;
  }
  const std::string link = found->second.link;
  layers_.remove(id);
  reshaped_(link);
}

Json Control::answer(const Json& request) {
  if (!request.is_object()) {
    refuse(fmt::format("expected an object, found {}", request.dump()));
  }
  if (request.contains("add")) {
    add(request);
    return true;
  }
  if (request.contains("remove")) {
    expect_only(request, {"remove"});
    remove(text(request, "remove"));
    return true;
  }
  if (!request.contains("show")) {
    refuse(fmt::format("expected add, remove or show, found {}", request.dump()));
  }
  Json shown{{"layers", Json::array()}};
  for (const auto& [id, layer] : layers_.all()) {
    shown["layers"].push_back(to_json(id, layer));
  }
  figures_(shown);
  return shown;
}

}  // namespace faultline::wire
