#pragma once

#include <string>

namespace faultline::load {

/// What an error of MariaDB or its client library is called in the record: the classes of
/// network_error.hpp, or read only, access denied, too many connections, server shutting down,
/// sql error <number>. `text` is the message: the library puts the system's error number in it.
std::string sql_error_class(int number, const std::string& text, bool connecting);

/// The server refused and says so: it has surely not been done. Not so when the library lost the
/// connection or the server was ending: the statement may have been committed before.
bool is_the_servers_word(int number);

}  // namespace faultline::load
