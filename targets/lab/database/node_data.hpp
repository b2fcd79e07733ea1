#pragma once

#include "targets/error.hpp"

#include <filesystem>

namespace faultline::database {

/// The data of a node and the identity that goes with it, in `folder`. The program may be killed at
/// any instruction: what `open` finds then is whole data or none, and data never gets an identity
/// that other data had.
class NodeData {
 public:
  /// `source`: the template. `first_id` is the identity of the node's first data.
  NodeData(std::filesystem::path folder, std::filesystem::path source, int first_id);

  /// Removes what an interrupted `replace` left, and copies the template when there is no data.
  /// Error `io`.
  Result<> open();
  /// Fresh data under a new identity; nobody may use the old data any more. Error `io`: the data is
  /// the old one, or gone until `open`.
  Result<> replace();

  [[nodiscard]] int id() const { return id_; }

 private:
  [[nodiscard]] std::filesystem::path data() const { return folder_ / "data"; }
  [[nodiscard]] std::filesystem::path draft() const { return folder_ / "data.draft"; }
  [[nodiscard]] std::filesystem::path old() const { return folder_ / "data.old"; }
  [[nodiscard]] Result<> store_id(int id) const;

  const std::filesystem::path folder_, source_;
  const int first_id_;
  int id_;
};

}  // namespace faultline::database
