#pragma once

#include "targets/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faultline::database {

/// How far a node's data is, as a list of GTIDs ("0-1-105") and its number in domain 0, the only
/// one that the lab uses. Numbers of nodes that follow each other can be compared.
struct Position {
  std::string gtid;
  std::uint64_t number = 0;
  bool operator==(const Position&) const = default;
};
/// "" is the beginning; a list without domain 0 too.
Position position_of(std::string_view gtid);
/// The one that is further.
Position further(const Position& a, const Position& b);

/// What a node says of its own replication.
struct Replication {
  enum class Link { stopped, connecting, connected };
  std::string from;  ///< "10.0.1.30:3306", empty: it follows nobody
  Link link = Link::stopped;
  bool applying = false;
  int link_error = 0;   ///< MariaDB's number; 1236: the source does not have what comes next
  int apply_error = 0;  ///< MariaDB's number
  std::string error;    ///< the words of either
  Position received;
  bool operator==(const Replication&) const = default;
};

/// What a node answered when it was asked.
struct NodeView {
  bool read_only = true;
  Position position;                       ///< what it holds and shows
  std::optional<Replication> replication;  ///< none: it did not say in time

  /// All that it has, what it received and does not show yet included: none when it did not say.
  /// Less would make it look as if a confirmed row were nowhere.
  [[nodiscard]] std::optional<Position> has() const;
};

/// One question to one node.
struct Observation {
  std::string node;
  Instant asked, ended;
  std::optional<NodeView> view;  ///< none: no answer
};

}  // namespace faultline::database
