#pragma once

#include "targets/error.hpp"
#include "targets/net/fd.hpp"

#include <functional>
#include <string>

/// Entering the lab's hosts from a thread of the supervisor: a network namespace belongs to a
/// thread, and a socket stays in the one it was made in.
namespace faultline::lab {

/// The file that names a host's network namespace: /run/netns/<host>. Error `not_found`.
Result<net::Fd> open_namespace(const std::string& host);

/// Runs `body` inside the host's network namespace and comes back, also from an exception.
Result<> inside(const std::string& host, const std::function<Result<>()>& body);

/// A non-blocking TCP socket that lives in the host.
Result<net::Fd> tcp_socket_in(const std::string& host);

/// Writes a kernel setting of the host, such as /proc/sys/net/ipv4/ip_forward.
Result<> write_setting(const std::string& host, const std::string& file, const std::string& value);

}  // namespace faultline::lab
