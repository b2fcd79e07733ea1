#pragma once

#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>

namespace faultline::net {

/// Starts this very program as `spec.argv` says, on this machine, outside of any environment
/// (`spec.host` has no meaning). It is told to end by the end of its input, when the worker is
/// dropped. Its standard error is this program's. Error `io`: it could not be started.
Result<std::unique_ptr<targets::Worker>> start_on_this_machine(boost::asio::io_context& io,
                                                               targets::WorkerSpec spec);

}  // namespace faultline::net
