#include "targets/lab/database/endpoint.hpp"

#include "targets/net/fd.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace faultline::database {
namespace {

constexpr auto again = std::chrono::milliseconds(500);
constexpr timeval socket_limit{.tv_sec = 1, .tv_usec = 0};  ///< HAProxy answers in 1 ms
constexpr std::size_t max_answer = 16 * 1024;
constexpr std::size_t shown_answer = 300;

using Door = Cluster::Door;

void close_and_leave(std::string& commands, const std::string& server, Door door) {
  if (door != Door::open) {
    commands += fmt::format("set server {} state maint; ", server);
  }
  if (door == Door::closed) {
    commands += fmt::format("shutdown sessions server {}; ", server);
  }
}

void open(std::string& commands, const std::string& server, Door door) {
  if (door == Door::open) {
    commands += fmt::format("set server {} state ready; ", server);
  }
}

Error failed(const std::filesystem::path& socket, const char* what) {
  return {ErrorKind::io, fmt::format("endpoint: {} {}: {}; is HAProxy running?", what,
                                     socket.string(), strerror(errno))};
}

std::string open_node(const AllDoors& doors) {
  for (const auto& [node, its] : doors) {
    if (its.rw == Door::open) {
      return node;
    }
  }
  return "";
}

}  // namespace

std::string endpoint_commands(const AllDoors& doors) {
  std::string commands;
  for (const auto& [node, its] : doors) {
    close_and_leave(commands, "rw/" + node, its.rw);
    close_and_leave(commands, "ro/" + node, its.ro);
  }
  for (const auto& [node, its] : doors) {
    open(commands, "rw/" + node, its.rw);
    open(commands, "ro/" + node, its.ro);
  }
  // A last ';' would ask for an empty command, whose answer is the list of all commands.
  commands.resize(commands.empty() ? 0 : commands.size() - 2);
  return commands;
}

EndpointDriver::EndpointDriver(std::filesystem::path socket,
                               std::function<void(const std::string&)> open,
                               std::function<void(const std::string&)> log)
    : socket_(std::move(socket)),
      open_(std::move(open)),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EndpointDriver::~EndpointDriver() = default;  // jthread: asked to stop, then joined

void EndpointDriver::set(const AllDoors& doors) {
  const std::lock_guard lock(mutex_);
  if (doors != doors_) {
    doors_ = doors;
    dirty_ = true;
    changed_.notify_all();
  }
}

void EndpointDriver::run(const std::stop_token& stop) {
  std::string opened, trouble;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait_for(lock, stop, again, [this] { return dirty_; });
    const auto doors = doors_;
    dirty_ = false;
    lock.unlock();
    const auto told = doors.empty() ? Result<>{} : tell(endpoint_commands(doors));
    const auto words = told ? "" : told.error().message;
    if (words != trouble) {
      trouble = words;
      log_(words.empty() ? "endpoint: in order again" : words);
    }
    if (const auto now_open = open_node(doors); told && now_open != opened) {
      opened = now_open;
      open_(opened);
    }
    lock.lock();
  }
}

Result<> EndpointDriver::tell(const std::string& commands) const {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (socket_.native().size() >= sizeof address.sun_path) {
    return Error{ErrorKind::usage, "endpoint: the socket's path is longer than 107 bytes"};
  }
  std::memcpy(address.sun_path, socket_.c_str(), socket_.native().size());
  const net::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &socket_limit, sizeof socket_limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &socket_limit, sizeof socket_limit);
  const void* raw = &address;
  if (!fd || ::connect(fd.get(), static_cast<const sockaddr*>(raw), sizeof address) != 0) {
    return failed(socket_, "cannot reach");
  }
  const std::string line = commands + "\n";
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return failed(socket_, "cannot write to");
  }
  std::string answer(max_answer, '\0');
  std::size_t got = 0;
  ssize_t n = 0;
  while (got < answer.size() &&
         (n = ::recv(fd.get(), answer.data() + got, answer.size() - got, 0)) > 0) {
    got += static_cast<std::size_t>(n);
  }
  if (n < 0) {
    return failed(socket_, "no answer from");
  }
  answer.resize(got);
  if (answer.find_first_not_of(" \n") != answer.npos) {
    return Error{ErrorKind::io, "endpoint: HAProxy says: " + answer.substr(0, shown_answer)};
  }
  return {};
}

}  // namespace faultline::database
