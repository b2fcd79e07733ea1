#pragma once

#include "targets/target.hpp"

#include <optional>
#include <string>
#include <vector>

namespace faultline::lab {

/// Who owns the lab and what is in force: epochs, the owner lock, leases and deadlines. Decides
/// only; time is passed in, and what must be done comes out as values.
class Ownership {
 public:
  using Epoch = targets::Epoch;

  /// What the supervisor has to do because time passed.
  struct Expired {
    std::vector<targets::Action> reverts;  ///< pending, as with `begin_revert`
    std::vector<targets::Notice> notices;
  };

  /// `before_first`: the first owner's epoch is one higher.
  explicit Ownership(Epoch before_first) : last_epoch_(before_first) {}

  /// Error `refused` names the holder. The owner whose epoch is `instead_of` is replaced, and
  /// fenced from then on; 0: nobody is.
  Result<Epoch> acquire(std::string who, Epoch instead_of, int connection, Instant now);
  /// Both fail with `fenced` for any epoch but the owner's.
  Result<> release(Epoch epoch);
  Result<> renew(Epoch epoch, Instant now);
  /// Frees the lock of that connection. What is in force stays until its lease ends.
  /// Returns whether it held the lock.
  bool connection_closed(int connection);

  /// Error `usage` for an id that cannot name a rule, `refused` when it is in force already.
  Result<> arm(const targets::Action& action, Epoch epoch, Instant now);
  /// What was armed under that id; it counts as in force from here on. Error `refused` when
  /// nothing.
  Result<targets::Action> begin_apply(const std::string& action, Epoch epoch);
  /// What was armed under that id, by whatever epoch; nothing when there is nothing to undo. Its
  /// undo is pending until `reverted` or `not_reverted`.
  Result<std::optional<targets::Action>> begin_revert(const std::string& action, Epoch epoch);
  /// Error `fenced` for any epoch but the owner's.
  [[nodiscard]] Result<> permit(Epoch epoch) const;
  /// The action's undo is done: forget it.
  void reverted(const std::string& action);
  /// The action's undo failed: at its deadline, or a second after that, it is due again.
  void not_reverted(const std::string& action);

  /// To be called often: a lease or deadline ends at the first tick after it.
  Expired tick(Instant now);

  [[nodiscard]] std::vector<targets::InForce> in_force(Instant now) const;
  [[nodiscard]] std::string owner() const { return owner_ ? owner_->who : ""; }

 private:
  struct Owner {
    std::string who;
    int connection = 0;
    Epoch epoch = 0;
    Instant lease_ends;
  };
  struct Armed {
    targets::Action action;
    Epoch epoch = 0;
    bool applied = false;
    bool reverting = false;  // asked for and not answered: not asked for again meanwhile
    Instant lease_ends;
    Instant deadline;
    Instant retry_at;  // a revert that was asked for and has not been done
    [[nodiscard]] Instant due() const { return std::max(std::min(lease_ends, deadline), retry_at); }
  };

  std::vector<Armed>::iterator find(const std::string& action);

  Epoch last_epoch_;
  std::optional<Owner> owner_;
  std::vector<Armed> armed_;
};

}  // namespace faultline::lab
