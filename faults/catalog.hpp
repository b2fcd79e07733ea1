#pragma once

#include "faults/fault.hpp"

#include <span>

namespace faultline::faults {

std::span<const Kind> catalog();
/// Error `usage` with the nearest name when there is none.
Result<const Kind*> find(std::string_view name);

}  // namespace faultline::faults
