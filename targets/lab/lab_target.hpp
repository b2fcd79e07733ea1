#pragma once

#include "targets/lab/connection.hpp"
#include "targets/lab/launch.hpp"

#include <boost/asio/io_context.hpp>

namespace faultline::targets {
struct OpenOptions;
}

namespace faultline::lab {

const std::set<std::string>& capabilities();

/// The lab that a private home holds: destroying it ends the lab and removes the home.
class PrivateLab {
 public:
  PrivateLab(Launched process, std::filesystem::path home)
      : process_(std::move(process)), home_(std::move(home)) {}
  ~PrivateLab();
  PrivateLab(const PrivateLab&) = delete;
  PrivateLab& operator=(const PrivateLab&) = delete;

 private:
  Launched process_;
  std::filesystem::path home_;
};

/// A lab as a target: every call is one request to its supervisor.
class LabTarget final : public targets::Target {
 public:
  struct Identity {
    std::filesystem::path home;
    std::string instance;                  ///< differs from one start of a supervisor to the next
    int supervisor = 0;                    ///< its process
    std::uint64_t supervisor_started = 0;  ///< when, in the kernel's ticks
  };
  LabTarget(std::shared_ptr<Connection> connection, Identity identity,
            std::unique_ptr<PrivateLab> private_lab = nullptr)
      : private_lab_(std::move(private_lab)),
        identity_(std::move(identity)),
        connection_(std::move(connection)) {}

  [[nodiscard]] std::set<std::string> capabilities() const override { return lab::capabilities(); }
  [[nodiscard]] targets::Json identity() const override;

  void acquire(std::string who, targets::Epoch instead_of,
               targets::Done<targets::Epoch> done) override;
  void release(targets::Epoch epoch, targets::Done<void> done) override;
  void renew(targets::Epoch epoch, targets::Done<void> done) override;

  void arm(const targets::Action& action, targets::Epoch epoch, targets::Done<void> done) override;
  /// An answer that is lost or late is outcome `unknown`.
  void apply(const targets::Action& action, targets::Epoch epoch,
             targets::Done<targets::Outcome> done) override;
  void revert(const targets::Action& action, targets::Epoch epoch,
              targets::Done<void> done) override;

  void observe(targets::Done<targets::World> done) override;
  void check(const targets::Check& check, targets::Done<targets::CheckResult> done) override;
  void invariants(targets::Done<std::vector<targets::Invariant>> done) override;
  void bring_home(targets::Epoch epoch, targets::Done<std::vector<std::string>> done) override;

  void start_worker(targets::WorkerSpec spec,
                    targets::Done<std::unique_ptr<targets::Worker>> done) override;
  void on_notice(std::function<void(const targets::Notice&)> listener) override;
  Result<> save_logs(const std::string& folder) override;

 private:
  std::unique_ptr<PrivateLab> private_lab_;  // outlives the connection to it
  Identity identity_;
  std::shared_ptr<Connection> connection_;
};

/// The home's lab when one is up, else a private one in <home>/private/<pid>, when it may be
/// staged. Error `usage` when the lab that is up has another profile than the one asked for.
Result<std::unique_ptr<targets::Target>> open_lab(boost::asio::io_context& io,
                                                  const targets::OpenOptions& options);

/// The lab of that identity, when its supervisor still is the same; private ones too.
Result<std::unique_ptr<targets::Target>> reach_lab(const boost::asio::any_io_executor& executor,
                                                   const targets::Json& identity);

}  // namespace faultline::lab
