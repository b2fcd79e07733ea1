#include "targets/lab/supervisor_components.hpp"

#include "targets/lab/supervisor_listener.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <signal.h>

namespace faultline::lab {

using targets::ProcessState;

namespace {

Result<> write_files(const Start& start) {
  for (const auto& folder : start.folders) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
      return Error{ErrorKind::io,
                   fmt::format("cannot make {}: {}", folder.string(), error.message())};
    }
  }
  for (const auto& file : start.files) {
    std::ofstream out(file.path);
    out << file.text;
    if (!out.flush()) {
      return Error{ErrorKind::io, fmt::format("cannot write {}", file.path.string())};
    }
  }
  return {};
}

/// The letter after the name in /proc/<pid>/stat; the name may hold spaces and parentheses.
char kernel_state(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(in, line);
  const auto end_of_name = line.rfind(") ");
  return end_of_name == std::string::npos ? 'X' : line[end_of_name + 2];
}

}  // namespace

Components::Components(Children& children, const Topology& topology, Places places, net::Fd logs,
                       Lifted lifted)
    : children_(children),
      topology_(topology),
      places_(std::move(places)),
      logs_(std::move(logs)),
      lifted_(std::move(lifted)) {
  for (const auto& process : topology_.processes) {
    table_[process.name].process = &process;
  }
}

Result<> Components::prepare(const std::filesystem::path& database_template) {
  places_.database_template = database_template;
  for (auto& [name, entry] : table_) {
    auto start = start_of(topology_, *entry.process, places_);
    if (auto written = write_files(start); !written) {
      return written;
    }
    entry.argv = std::move(start.argv);
  }
  return {};
}

Result<> Components::start(const std::string& name) {
  auto& entry = table_.at(name);
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (entry.started_before ? O_APPEND : O_TRUNC);
  const net::Fd log(::openat(logs_.get(), (name + ".log").c_str(), flags, 0644));
  if (!log) {
    return Error{ErrorKind::io, fmt::format("cannot write {}.log: {}", name, std::strerror(errno))};
  }
  const auto& host = entry.process->host;
  const ChildSpec spec{host, entry.argv, {{"FAULTLINE_LAB_HOST", host}}, -1, log.get(), log.get()};
  auto pid = children_.spawn(spec, [this, name](const Exit& exit) { exited(name, exit); });
  if (!pid) {
    return pid.error();
  }
  entry.pid = entry.last_group = *pid;
  entry.started_before = true;
  return {};
}

void Components::exited(const std::string& name, const Exit& exit) {
  auto& entry = table_.at(name);
  const bool by_fault = holds_.wanted(name) == ProcessState::dead;  // before anyone lets go
  ::kill(-entry.pid, SIGKILL);                                      // whatever it started
  entry.pid = 0;
  for (const auto& then : std::exchange(entry.when_dead, {})) {
    then();
  }
  for (const auto& listener : on_death_) {
    listener(name, by_fault, exit);
  }
}

void Components::hold(const std::string& name, const std::string& action, Hold hold,
                      targets::Done<void> done) {
  holds_.add(name, action, hold);
  auto& entry = table_.at(name);
  if (hold == Hold::dead && entry.pid != 0) {
    entry.when_dead.push_back([done = std::move(done)] { done(Result<>{}); });
    (void)take_steps(name, false);
    return;
  }
  done(take_steps(name, false));
}

void Components::let_go(const std::string& name, const std::string& action,
                        targets::Done<void> done) {
  const bool stopped = holds_.wanted(name) == ProcessState::stopped;
  const auto held = holds_.remove(name, action);
  if (held && stopped && state(name) == ProcessState::running) {
    lifted_(action, name + " was running already");
  }
  const bool was_killed = held == Hold::dead;
  const auto taken = take_steps(name, was_killed);
  if (!taken && was_killed) {
    holds_.add(name, action, Hold::dead);  // the start is still owed: letting go again tries it
  }
  done(taken);
}

Result<> Components::place_is_free(const Entry& entry) const {
  const auto& process = *entry.process;
  const auto other = listener_at(process.host, process.address, process.port);
  if (!other || other->group == entry.last_group) {
    return {};
  }
  return Error{ErrorKind::conflict,
               fmt::format("{} cannot be started again: somebody else has started {} (pid {}), "
                           "which listens at {}:{}; end it, then recover",
                           process.name, other->name, other->pid, process.address, process.port)};
}

bool Components::terminate(const std::string& name, const std::string& action) {
  holds_.add(name, action, Hold::dead);
  const pid_t group = table_.at(name).pid;
  return group != 0 && ::kill(-group, SIGTERM) == 0;
}

Result<> Components::take_steps(const std::string& name, bool may_start) {
  const auto now = state(name);
  if (now == ProcessState::dead && !may_start) {
    return {};
  }
  for (const auto step : steps(now, holds_.wanted(name))) {
    if (auto taken = take_step(name, step); !taken) {
      return taken;
    }
  }
  return {};
}

Result<> Components::take_step(const std::string& name, ProcessStep step) {
  const pid_t group = table_.at(name).pid;
  switch (step) {
    case ProcessStep::start: {
      auto free = place_is_free(table_.at(name));
      return free ? start(name) : free;
    }
    case ProcessStep::kill:
      ::kill(-group, SIGKILL);
      break;
    case ProcessStep::stop:
      ::kill(-group, SIGSTOP);
      break;
    case ProcessStep::resume:
      ::kill(-group, SIGCONT);
      break;
  }
  return {};
}

ProcessState Components::state(const std::string& name) const {
  const pid_t process = pid(name);
  if (process == 0) {
    return ProcessState::dead;
  }
  switch (kernel_state(process)) {
    case 'T':
      return ProcessState::stopped;
    case 'X':
    case 'Z':
      return ProcessState::dead;
    default:
      return ProcessState::running;
  }
}

int Components::pid(const std::string& name) const {
  const auto it = table_.find(name);
  return it == table_.end() ? 0 : it->second.pid;
}

net::Fd Components::open_log(const std::string& name) const {
  return net::Fd(::openat(logs_.get(), (name + ".log").c_str(), O_RDONLY | O_CLOEXEC));
}

std::string Components::last_words(const std::string& name) const {
  constexpr off_t tail_bytes = 1024;  // a line or a few
  const net::Fd log = open_log(name);
  const off_t size = ::lseek(log.get(), 0, SEEK_END);
  std::string text(tail_bytes, '\0');
  const ssize_t got =
      ::pread(log.get(), text.data(), text.size(), std::max<off_t>(0, size - tail_bytes));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace faultline::lab
