#pragma once

#include "orchestrator/store/journal_format.hpp"

#include <functional>
#include <set>
#include <string>
#include <unordered_map>

namespace faultline::store {

/// What a journal holds open: takes its records in order, and keeps those of faults that were
/// intended and not closed. For recovery, and for the rewrite that makes a journal small again.
class OpenRecords {
 public:
  void take(const Entry& entry);

  /// Visits the records that a journal needs to say the same: of the open faults, oldest fault
  /// first; what closed ones left to their runs; and what was closed that another segment had
  /// opened.
  void each(const std::function<void(const Entry&)>& visit) const;
  /// Their size in a file, about.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Fault {
    std::uint64_t number = 0;  ///< in the order of their first records
    bool intended = false;
    std::string run, lasting;
    std::string records;  ///< one after the other, as in a file
  };
  struct Run {
    std::uint64_t open = 0;
    std::set<std::string> lasting;  ///< of its closed faults
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class T>
  using ById = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  void keep(Fault& fault, const Entry& entry);
  void close(const Entry& entry);
  void leave(std::string_view run, std::string_view lasting);

  ById<Fault> faults_;
  ById<Run> runs_;
  std::uint64_t next_ = 0, bytes_ = 0;
};

}  // namespace faultline::store
