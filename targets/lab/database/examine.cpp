#include "targets/lab/database/examine.hpp"

#include <fmt/format.h>

#include <charconv>

namespace faultline::database {
namespace {

std::string field(const Session::Row& row, const char* name) {
  const auto found = row.find(name);
  return found == row.end() ? "" : found->second;
}

int number(const Session::Row& row, const char* name) {
  const auto text = field(row, name);
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Replication replication_of(const std::vector<Session::Row>& rows) {
  Replication replication;
  if (rows.empty()) {
    return replication;
  }
  const auto& row = rows[0];
  const auto io = field(row, "Slave_IO_Running");
  replication.from = field(row, "Master_Host") + ":" + field(row, "Master_Port");
  replication.link = io == "Yes"  ? Replication::Link::connected
                     : io == "No" ? Replication::Link::stopped
                                  : Replication::Link::connecting;
  replication.applying = field(row, "Slave_SQL_Running") == "Yes";
  replication.link_error = number(row, "Last_IO_Errno");
  replication.apply_error = number(row, "Last_SQL_Errno");
  replication.error = field(row, "Last_SQL_Error");
  if (replication.error.empty()) {
    replication.error = field(row, "Last_IO_Error");
  }
  replication.received = position_of(field(row, "Gtid_IO_Pos"));
  return replication;
}

Result<Examined> examine(Session& session, Duration limit, Duration replication_limit) {
  const auto rows = session.query(
      "SELECT @@GLOBAL.read_only AS read_only, @@GLOBAL.gtid_binlog_pos AS binlog, "
      "@@GLOBAL.gtid_slave_pos AS applied",
      limit);
  if (!rows) {
    return rows.error();
  }
  if (rows->empty()) {
    return Error{ErrorKind::io, "a node answered without a row"};
  }
  const auto& row = rows->front();
  Examined examined;
  examined.view.read_only = field(row, "read_only") != "0";
  examined.view.position =
      further(position_of(field(row, "binlog")), position_of(field(row, "applied")));
  const auto status = session.query("SHOW SLAVE STATUS", replication_limit);
  if (status) {
    examined.view.replication = replication_of(*status);
  } else {
    examined.stale = true;
  }
  return examined;
}

}  // namespace faultline::database
