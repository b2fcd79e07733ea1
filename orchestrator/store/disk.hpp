#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace faultline::store {

/// Where the bytes of one journal go. One thing at a time: the next is asked for when `done` of the
/// one before was called, with 0 or an errno, never from inside the call.
class Disk {
 public:
  using Done = std::function<void(int error)>;

  virtual ~Disk() = default;
  /// Writes `bytes` at `at`, the end, and syncs. After an error, or a crash, any of them may be
  /// there.
  virtual void commit(std::uint64_t at, std::string bytes, Done done) = 0;
  /// Cuts the file to `size` bytes, and syncs.
  virtual void cut(std::uint64_t size, Done done) = 0;
  /// Puts a file with `bytes` in its place. After an error the old one is there as it was; after a
  /// crash one of the two.
  virtual void replace(std::string bytes, Done done) = 0;
  /// Returns when what was asked for is done, and what its `done` asked for.
  virtual void finish() = 0;
};

}  // namespace faultline::store
