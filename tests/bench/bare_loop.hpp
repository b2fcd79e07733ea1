#pragma once

#include <cstdint>

namespace faultline {

/// The least that a client of HTTP costs: GET / in a closed loop over kept connections to
/// 127.0.0.1:`port` for `seconds`, with one recv and one send for a request, and nothing else: it
/// looks neither at answers nor at a clock. Returns the number of answers.
/// Throws std::system_error when it cannot connect.
std::uint64_t bare_loop(std::uint16_t port, int connections, int seconds);

}  // namespace faultline
