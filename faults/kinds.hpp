#pragma once

#include "faults/fault.hpp"

/// The kinds of fault, each in a file of its name.
namespace faultline::faults {

Kind az_partition();
Kind db_failover();
Kind redis_failover();
Kind snat_exhaustion();
Kind spot_reclaim();
Kind third_party();

}  // namespace faultline::faults
