#include "orchestrator/cli/commands.hpp"

#include <array>

namespace faultline::cli {

std::span<const Command> catalog() {
  static constexpr std::array commands{
      add_run,    add_plan,    add_calibrate, add_check,     add_new,    add_env,     add_faults,
      add_inject, add_recover, add_journal,   add_guard,     add_abort,  add_history, add_show,
      add_load,   add_lab,     add_doctor,    add_supervise, add_worker,
  };
  return commands;
}

}  // namespace faultline::cli
