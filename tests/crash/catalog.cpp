#include "targets/catalog.hpp"

#include "targets/lab/lab_target.hpp"
#include "targets/lab/topology.hpp"
#include "tests/crash/points.hpp"
#include "tests/fake/forwarding_target.hpp"

#include <array>
#include <cstdlib>

/// The catalogue of targets with one entry, the lab, whose changes are points: in place of
/// targets/catalog.cpp.
namespace faultline::targets {
namespace {

class CrashingTarget : public fake::ForwardingTarget {
 public:
  explicit CrashingTarget(std::unique_ptr<Target> lab)
      : ForwardingTarget(*lab), lab_(std::move(lab)) {}

  void arm(const Action& action, Epoch epoch, Done<void> done) override {
    lab_->arm(action, epoch, around<void>("arm " + action.kind, std::move(done)));
  }
  void apply(const Action& action, Epoch epoch, Done<Outcome> done) override {
    lab_->apply(action, epoch, around<Outcome>("apply " + action.kind, std::move(done)));
  }
  void revert(const Action& action, Epoch epoch, Done<void> done) override {
    lab_->revert(action, epoch, around<void>("revert " + action.kind, std::move(done)));
  }
  void release(Epoch epoch, Done<void> done) override {
    lab_->release(epoch, around<void>("release", std::move(done)));
  }

 private:
  template <class T>
  static Done<T> around(const std::string& step, Done<T> done) {
    crash::point("before " + step);
    return [step, done = std::move(done)](Result<T> result) {
      crash::point("after " + step);
      done(std::move(result));
    };
  }
  std::unique_ptr<Target> lab_;
};

World blueprint(const std::string& profile) {
  return lab::blueprint(
      lab::make_topology(lab::profile(profile.empty() ? "hardened" : profile).value()));
}

Result<std::unique_ptr<Target>> open(boost::asio::io_context& io, const OpenOptions& options) {
  auto lab = lab::open_lab(io, options);
  if (!lab) {
    return lab;
  }
  return std::unique_ptr<Target>(std::make_unique<CrashingTarget>(std::move(*lab)));
}

/// A guard that may not help leaves everything to the next start or to the lab's deadline.
Result<std::unique_ptr<Target>> reach(const boost::asio::any_io_executor& executor,
                                      const Json& identity) {
  if (std::getenv("FAULTLINE_CRASH_NO_HELP") != nullptr && crash::is_command("guard")) {
    return Error{ErrorKind::io, "this guard may not help"};
  }
  return lab::reach_lab(executor, identity);
}

}  // namespace

std::span<const TargetKind> catalog() {
  static const std::array kinds{TargetKind{"lab",
                                           "the lab, with points at which the program is killed",
                                           {"hardened", "naive"},
                                           lab::capabilities(),
                                           blueprint,
                                           open,
                                           reach}};
  return kinds;
}

const TargetKind* find(std::string_view name) {
  return name == "lab" ? catalog().data() : nullptr;
}

}  // namespace faultline::targets
