#include "orchestrator/slo/openslo.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

/// The OpenSLO reader: any bytes are objectives that can be judged, or an error with its place.
namespace faultline::slo {
namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

/// Ends up in a record: throws when it is not UTF-8.
void require_text(const std::string& text) {
  require(!nlohmann::json(text).dump().empty());
}

void check(const ImportedSlo& slo) {
  const auto& indicator = slo.indicator;
  for (const auto* text : {&slo.name, &slo.title, &slo.objective_title, &slo.description,
                           &slo.service, &indicator.part, &indicator.total, &indicator.url}) {
    require_text(*text);
  }
  require(slo.target_percent > 0 && slo.target_percent < 100 && slo.line > 0);
  require(!slo.name.empty() && !indicator.part.empty());
  require(slo.limit.has_value() == (indicator.kind == IndicatorKind::threshold));
  require(!slo.time_window || *slo.time_window > Duration::zero());
  require(!slo.slice || (slo.slice->window > Duration::zero() && slo.slice->target_percent <= 100));
  for (const auto& burn : slo.burns) {
    require(burn.threshold > 0 && burn.lookback > Duration::zero());
  }
  require_text(good_share(indicator).value_or("none"));
}

}  // namespace
}  // namespace faultline::slo

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline::slo;
  const auto slos = read_openslo({reinterpret_cast<const char*>(data), size}, "f.yaml");
  if (!slos) {
    require(slos.error().message.starts_with("f.yaml:"));
    require_text(slos.error().message);
    return 0;
  }
  require(!slos->empty());
  std::for_each(slos->begin(), slos->end(), check);
  return 0;
}
