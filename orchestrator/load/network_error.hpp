#pragma once

#include <boost/system/error_code.hpp>

#include <string>

namespace faultline::load {

/// What a failed operation is called in the record. `connecting`: the connection did not stand yet.
///   connection refused, unreachable, connect timeout (also a deadline that passed while
///   connecting), deadline, reset, closed early, answer too large, unexpected answer, no local
///   port, network error <number>
std::string error_class(boost::system::error_code error, bool connecting);

}  // namespace faultline::load
