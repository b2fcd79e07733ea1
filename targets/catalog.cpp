#include "targets/catalog.hpp"

#include "targets/lab/lab_target.hpp"
#include "targets/lab/topology.hpp"

#include <algorithm>
#include <array>

namespace faultline::targets {
namespace {

World lab_blueprint(const std::string& profile) {
  return lab::blueprint(
      lab::make_topology(lab::profile(profile.empty() ? "hardened" : profile).value()));
}

}  // namespace

std::span<const TargetKind> catalog() {
  static const std::array kinds{
      TargetKind{"lab",
                 "the embedded staging environment, with everything in namespaces",
                 {"hardened", "naive"},
                 lab::capabilities(),
                 lab_blueprint,
                 lab::open_lab,
                 lab::reach_lab},
  };
  return kinds;
}

const TargetKind* find(std::string_view name) {
  const auto kinds = catalog();
  const auto found = std::ranges::find(kinds, name, &TargetKind::name);
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace faultline::targets
