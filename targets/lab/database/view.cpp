#include "targets/lab/database/view.hpp"

#include <charconv>

namespace faultline::database {

Position position_of(std::string_view gtid) {
  Position position{std::string(gtid), 0};
  while (!gtid.empty()) {
    const auto comma = gtid.find(',');
    const auto one = gtid.substr(0, comma);
    const auto dash = one.rfind('-');
    if (one.starts_with("0-") && dash != one.npos) {
      std::from_chars(one.data() + dash + 1, one.data() + one.size(), position.number);
    }
    gtid = comma == gtid.npos ? "" : gtid.substr(comma + 1);
  }
  return position;
}

Position further(const Position& a, const Position& b) {
  return b.number > a.number ? b : a;
}

std::optional<Position> NodeView::has() const {
  return replication ? std::optional(further(position, replication->received)) : std::nullopt;
}

}  // namespace faultline::database
