#pragma once

#include "targets/sql/answer.hpp"

#include <string>

namespace faultline::load {

/// What a failure of MariaDB is called in the record, "" for none: the classes of
/// network_error.hpp, or timeout, read only, access denied, too many connections, server shutting
/// down, sql error <number>.
std::string sql_error_class(const sql::Failure& failure);

}  // namespace faultline::load
