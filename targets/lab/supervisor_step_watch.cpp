#include "targets/lab/supervisor_step_watch.hpp"

namespace faultline::lab {
namespace {

constexpr auto every = std::chrono::milliseconds(100);  // how late a step is told, not when it was

}  // namespace

void StepWatch::start() {
  for (const auto& process : topology_.processes) {
    if (tells_steps(topology_.profile, process)) {
      logs_.push_back({&process, LogTail(components_.open_log(process.name))});
    }
  }
  read();
}

void StepWatch::read() {
  for (auto& log : logs_) {
    for (const auto& line : log.tail.lines()) {
      tell(*log.process, line);
    }
  }
  timer_.expires_after(every);
  timer_.async_wait([this](boost::system::error_code e) {
    if (!e) {
      read();
    }
  });
}

void StepWatch::tell(const Process& who, const std::string& line) {
  for (const auto& step : steps_in(topology_, who, line)) {
    const auto at =
        written_at(line, std::chrono::steady_clock::now(), std::chrono::system_clock::now());
    if (at) {
      publish_({*at,
                "recovery_step",
                {{"of", step.of},
                 {"step", step.step},
                 {"by", who.name},
                 {"component", step.component}}});
    }
  }
}

}  // namespace faultline::lab
