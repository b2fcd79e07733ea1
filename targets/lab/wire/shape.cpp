#include "targets/lab/wire/shape.hpp"

#include "targets/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faultline::wire {
namespace {

/// Nobody stacks more by hand; a caller that forgets to remove is found here.
constexpr std::size_t max_layers = 256;

}  // namespace

Result<> Layers::add(const std::string& id, const Layer& layer) {
  if (std::ranges::find(links_, layer.link) == links_.end()) {
    return Error{ErrorKind::usage,
                 fmt::format("no link '{}'{}", layer.link, suggestion(layer.link, links_))};
  }
  if (const auto there = layers_.find(id); there != layers_.end()) {
    if (there->second == layer) {
      return {};
    }
    return Error{ErrorKind::conflict,
                 fmt::format("layer '{}' is there already, on {} and with other values; remove it "
                             "first or choose another id",
                             id, there->second.link)};
  }
  if (layers_.size() >= max_layers) {
    return Error{ErrorKind::refused, fmt::format("expected at most {} layers; remove some before "
                                                 "'{}' is added",
                                                 max_layers, id)};
  }
  layers_.emplace(id, layer);
  return {};
}

Shape Layers::shape_of(std::string_view link) const {
  Shape sum = base_;
  for (const auto& [id, layer] : layers_) {
    if (layer.link != link) {
      continue;
    }
    sum.delay += layer.shape.delay;
    sum.jitter += layer.shape.jitter;
    const auto rate = layer.shape.bits_per_second;
    if (rate != 0 && (sum.bits_per_second == 0 || rate < sum.bits_per_second)) {
      sum.bits_per_second = rate;
    }
  }
  return sum;
}

}  // namespace faultline::wire
