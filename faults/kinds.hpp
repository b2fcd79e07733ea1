#pragma once

#include "faults/fault.hpp"

/// The kinds of fault, each in a file of its name.
namespace faultline::faults {

Kind az_partition();
Kind redis_failover();

}  // namespace faultline::faults
