#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace faultline::load {

/// Where acknowledged writes must be found again. `why_not` is "" when it went well; nothing is
/// called after `close`.
class WriteStore {
 public:
  using Done = std::function<void(const std::string& why_not)>;
  using Values = std::vector<std::optional<std::string>>;  ///< one per number asked, none if absent

  virtual ~WriteStore() = default;

  /// Connects to the node that answers for the writes now: one that says itself that it is the
  /// primary. May wait for one to be named, as long as it takes.
  virtual void open(Done then) = 0;
  virtual void read(std::span<const std::uint64_t> numbers,
                    std::function<void(const std::string& why_not, Values values)> then) = 0;
  /// Removes the writes from `from` up to, not with, `to`.
  virtual void remove(std::uint64_t from, std::uint64_t to, Done then) = 0;
  virtual void close() = 0;
  /// Why `open` has not called yet; "" when it does not know.
  [[nodiscard]] virtual std::string waits_for() const { return ""; }
};

}  // namespace faultline::load
