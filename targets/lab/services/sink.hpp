#pragma once

#include <span>
#include <string>

namespace faultline::services {

/// `faultline-saas sink --listen 198.51.100.10:9000 --processes 12`: accepts connections and holds
/// them, saying nothing, until the peer closes them. So many processes share the port
/// (SO_REUSEPORT: the kernel spreads connections evenly over them), because one may not have enough
/// open files. Prints one line, "listening on ... in n processes", when it does; ends when it is
/// killed, or with 1 as soon as one of its processes ends. A process without a free descriptor
/// accepts again when a connection has ended.
/// Exit codes: 2 usage, 1 not inside a lab or what the machine does not give.
int sink_main(std::span<const std::string> args);

}  // namespace faultline::services
