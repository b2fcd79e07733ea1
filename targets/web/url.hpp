#pragma once

#include "targets/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Where requests may go, and their parts as text: no I/O.
namespace faultline::web {

/// The URL in libcurl's spelling, if requests may go there: http or https, to loopback (which
/// `localhost` is) or to an IP address in `allowed`; other names are not looked up. Errors: `usage`
/// when it is no such URL or holds a user's name, `refused` when its host is not allowed. No error
/// repeats a password.
Result<std::string> checked_url(const std::string& url, const std::vector<std::string>& allowed);

/// "query=up%20%3E%200&time=1.5", as in a form.
std::string form_of(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace faultline::web
