#pragma once

#include "targets/error.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <span>
#include <string>

/// Where load may go. A lab's addresses may belong to somebody else outside its namespaces, so
/// every destination is checked before the first packet.
namespace faultline::load {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// The endpoint of an IP address, if load may go there: to loopback always, elsewhere only inside a
/// lab (targets/net/inside_lab.hpp) or where somebody has allowed that very address. There is no
/// name lookup. Errors: `usage`, `refused`.
Result<Endpoint> destination(const std::string& host, double port,
                             std::span<const std::string> allow = {});
/// The same of "10.0.1.20:26379".
Result<Endpoint> destination(const std::string& host_and_port);

}  // namespace faultline::load
