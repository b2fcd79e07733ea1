#pragma once

#include "targets/target.hpp"

namespace faultline::fake {

/// A target that is another one, which outlives it: for callers that want one of their own, and for
/// tests that change one step.
class ForwardingTarget : public targets::Target {
 public:
  explicit ForwardingTarget(targets::Target& inner) : inner_(inner) {}

  std::set<std::string> capabilities() const override { return inner_.capabilities(); }
  targets::Json identity() const override { return inner_.identity(); }
  void acquire(std::string who, targets::Epoch instead_of,
               targets::Done<targets::Epoch> done) override {
    inner_.acquire(std::move(who), instead_of, std::move(done));
  }
  void release(targets::Epoch epoch, targets::Done<void> done) override {
    inner_.release(epoch, std::move(done));
  }
  void renew(targets::Epoch epoch, targets::Done<void> done) override {
    inner_.renew(epoch, std::move(done));
  }
  void arm(const targets::Action& action, targets::Epoch epoch, targets::Done<void> done) override {
    inner_.arm(action, epoch, std::move(done));
  }
  void apply(const targets::Action& action, targets::Epoch epoch,
             targets::Done<targets::Outcome> done) override {
    inner_.apply(action, epoch, std::move(done));
  }
  void revert(const targets::Action& action, targets::Epoch epoch,
              targets::Done<void> done) override {
    inner_.revert(action, epoch, std::move(done));
  }
  void observe(targets::Done<targets::World> done) override { inner_.observe(std::move(done)); }
  void check(const targets::Check& check, targets::Done<targets::CheckResult> done) override {
    inner_.check(check, std::move(done));
  }
  void invariants(targets::Done<std::vector<targets::Invariant>> done) override {
    inner_.invariants(std::move(done));
  }
  void bring_home(targets::Epoch epoch, targets::Done<std::vector<std::string>> done) override {
    inner_.bring_home(epoch, std::move(done));
  }
  void start_worker(targets::WorkerSpec spec,
                    targets::Done<std::unique_ptr<targets::Worker>> done) override {
    inner_.start_worker(std::move(spec), std::move(done));
  }
  void on_notice(std::function<void(const targets::Notice&)> listener) override {
    inner_.on_notice(std::move(listener));
  }
  Result<> save_logs(const std::string& folder) override { return inner_.save_logs(folder); }

 private:
  targets::Target& inner_;
};

}  // namespace faultline::fake
