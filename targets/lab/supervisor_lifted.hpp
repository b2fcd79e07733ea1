#pragma once

#include <functional>
#include <string>

namespace faultline::lab {

/// Told when an undo finds that somebody else has undone the action before, with how: the undo is
/// done then, but from some moment on the fault was not in force.
using Lifted = std::function<void(const std::string& action, const std::string& how)>;

}  // namespace faultline::lab
