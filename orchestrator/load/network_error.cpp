#include "orchestrator/load/network_error.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>

namespace faultline::load {

std::string error_class(boost::system::error_code error, bool connecting) {
  namespace net = boost::asio::error;
  namespace http = boost::beast::http;
  if (error == boost::beast::error::timeout || error == net::timed_out) {
    return connecting ? "connect timeout" : "deadline";
  }
  if (error == net::connection_refused) {
    return "connection refused";
  }
  if (error == net::host_unreachable || error == net::network_unreachable) {
    return "unreachable";
  }
  if (error == net::connection_reset || error == net::broken_pipe ||
      error == net::connection_aborted) {
    return "reset";
  }
  if (error == net::eof || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return "closed early";
  }
  if (error == http::error::body_limit || error == http::error::header_limit) {
    return "answer too large";
  }
  if (error.category() == http::make_error_code(http::error::bad_version).category()) {
    return "unexpected answer";
  }
  if (error == net::address_in_use || error == net::no_descriptors ||
      error == boost::system::errc::address_not_available) {
    return "no local port";  // this machine's limit, not the service's fault
  }
  return "network error " + std::to_string(error.value());
}

}  // namespace faultline::load
