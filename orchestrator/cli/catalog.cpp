#include "orchestrator/cli/commands.hpp"

#include <array>

namespace faultline::cli {

std::span<const Command> catalog() {
  static constexpr std::array commands{
      add_supervise,
  };
  return commands;
}

}  // namespace faultline::cli
