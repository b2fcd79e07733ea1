#pragma once

#include "targets/error.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string>

/// Where load may go. A lab's addresses may belong to somebody else outside its namespaces, so
/// every destination is checked before the first packet.
namespace faultline::load {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// True when the process is on a host of a lab: FAULTLINE_LAB_HOST names one, its network namespace
/// is not that of pid 1 (in a lab pid 1 is the supervisor, elsewhere it is the machine's init or
/// the container's), and all its IPv4 addresses are loopback or the lab's (10.0.0.0/16).
bool inside_lab();

/// The endpoint of an IP address, if load may go there: to loopback always, elsewhere only inside a
/// lab. There is no name lookup. Errors: `usage`, `refused`.
Result<Endpoint> destination(const std::string& host, double port);
/// The same of "10.0.1.20:26379".
Result<Endpoint> destination(const std::string& host_and_port);

}  // namespace faultline::load
