#pragma once

#include <cstdint>

/// Whether this process may send: a lab's addresses may belong to somebody else outside its network
/// namespaces, so whatever sends asks before its first packet.
namespace faultline::net {

/// An address that only a lab's hosts have, in host byte order: 10.0.0.0/16 (zones and regional
/// hosts), 198.51.100.0/24 (the third party and the NAT's outside leg), 203.0.113.0/24 (EIPs) and
/// 100.100.100.200 (metadata). See topology.hpp.
bool is_of_a_lab(std::uint32_t address);

/// True when FAULTLINE_LAB_HOST names a host and the network namespace is not that of pid 1 (in a
/// lab pid 1 is the supervisor, elsewhere it is the machine's init or the container's).
bool in_namespace_of_a_lab();

/// True when the process is on a host of a lab: in a namespace of one, and all its IPv4 addresses
/// are loopback or a lab's, one of a lab at least.
bool inside_lab();

}  // namespace faultline::net
