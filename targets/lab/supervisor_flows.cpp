#include "targets/lab/supervisor_flows.hpp"

#include "targets/lab/supervisor_namespaces.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <signal.h>

namespace faultline::lab {
namespace {

constexpr Duration hold_limit = std::chrono::seconds(65);  // the program gives up after 60 s
constexpr Duration count_keeps = std::chrono::milliseconds(250);
constexpr std::size_t max_said_bytes = 4096;  // one line of figures, or an error

}  // namespace

struct FlowHolds::Entry {
  std::string action;
  pid_t pid = 0;  // also its group; 0: it has ended
  boost::asio::posix::stream_descriptor output;
  boost::asio::steady_timer limit;
  std::array<char, 512> chunk{};
  std::string said;
  std::string stopped_because;  // it was ended here; empty: it was not
  targets::Done<void> applied;  // empty once called
  std::vector<targets::Done<void>> gone;

  void answer(const Result<>& result) {
    if (auto done = std::exchange(applied, nullptr)) {
      limit.cancel();
      done(result);
    }
  }
};

void FlowHolds::begin(const std::string& action, const std::string& host, const std::string& to,
                      int flows, targets::Done<void> done) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    done(Error{ErrorKind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno))});
    return;
  }
  const net::Fd writing(pipe[1]);
  auto entry = std::make_shared<Entry>(Entry{action,
                                             0,
                                             boost::asio::posix::stream_descriptor(io_, pipe[0]),
                                             boost::asio::steady_timer(io_, hold_limit),
                                             {},
                                             "",
                                             "",
                                             std::move(done),
                                             {}});
  const ChildSpec spec{host,
                       {program_, "flows", "--to", to, "--flows", std::to_string(flows)},
                       {{"FAULTLINE_LAB_HOST", host}},
                       -1,
                       writing.get(),
                       writing.get()};
  const auto pid =
      children_.spawn(spec, [this, action](const Exit& exit) { exited(action, exit); });
  if (!pid) {
    entry->answer(pid.error());
    return;
  }
  entry->pid = *pid;
  entries_[action] = entry;
  entry->limit.async_wait([entry](boost::system::error_code e) {
    if (!e) {
      entry->answer(Error{ErrorKind::timeout, fmt::format("the flows were not all tried after {}",
                                                          in_words(hold_limit))});
    }
  });
  read(entry);
}

void FlowHolds::read(const std::shared_ptr<Entry>& entry) {
  entry->output.async_read_some(boost::asio::buffer(entry->chunk),
                                [this, entry](boost::system::error_code e, std::size_t bytes) {
                                  if (e) {
                                    return;  // its end is told by `exited`
                                  }
                                  entry->said.append(entry->chunk.data(), bytes);
                                  if (const auto held = held_flows(entry->said)) {
                                    tried(*entry, *held);
                                  } else if (entry->said.size() < max_said_bytes) {
                                    read(entry);
                                  }
                                });
}

void FlowHolds::tried(Entry& entry, int held) {
  if (entry.pid == 0) {
    return;  // it has ended, and that is told
  }
  if (held > 0) {
    entry.answer(Result<>{});
    return;
  }
  entry.stopped_because = "none of the flows could be held, so there is nothing to keep";
  ::kill(-entry.pid, SIGKILL);  // answered when it is gone
}

void FlowHolds::exited(const std::string& action, const Exit& exit) {
  const auto it = entries_.find(action);
  if (it == entries_.end()) {
    return;
  }
  const auto entry = it->second;
  ::kill(-std::exchange(entry->pid, 0), SIGKILL);  // whatever it started
  entries_.erase(it);
  boost::system::error_code ignored;
  entry->output.close(ignored);
  if (entry->stopped_because.empty() && entry->applied == nullptr) {
    lost_[action] = exit.in_words();
  } else if (entry->stopped_because.empty()) {
    entry->answer(Error{ErrorKind::io, fmt::format("the program that holds the flows {}: {}",
                                                   exit.in_words(), entry->said)});
  } else {
    entry->answer(
        Error{ErrorKind::refused, fmt::format("{}; the program said: {}", entry->stopped_because,
                                              entry->said.empty() ? "nothing" : entry->said)});
  }
  for (const auto& done : entry->gone) {
    done(Result<>{});
  }
}

void FlowHolds::revert(const std::string& action, targets::Done<void> done) {
  const auto it = entries_.find(action);
  if (it == entries_.end()) {
    if (const auto lost = lost_.extract(action)) {
      lifted_(action, fmt::format("the program that held its flows has ended ({})", lost.mapped()));
    }
    done(Result<>{});
    return;
  }
  it->second->stopped_because = "reverted before all flows had been tried";
  it->second->gone.push_back(std::move(done));
  ::kill(-it->second->pid, SIGKILL);
}

std::string FlowHolds::held_by() const {
  std::string words;
  for (const auto& [action, entry] : entries_) {
    words += (words.empty() ? "by " : ", ") + action;
  }
  return words.empty() ? "none" : words;
}

namespace {

struct Counting {
  in_addr_t address = 0;
  std::uint16_t port = 0;  // both as the network has them
  in_addr_t from = 0;      // 0: any
  int flows = 0;
};

int count_one(nf_conntrack_msg_type /*type*/, nf_conntrack* flow, void* data) {
  auto& counting = *static_cast<Counting*>(data);
  const bool counts =
      nfct_get_attr_u32(flow, ATTR_ORIG_IPV4_DST) == counting.address &&
      nfct_get_attr_u16(flow, ATTR_ORIG_PORT_DST) == counting.port &&
      nfct_get_attr_u8(flow, ATTR_TCP_STATE) == TCP_CONNTRACK_ESTABLISHED &&
      (counting.from == 0 || nfct_get_attr_u32(flow, ATTR_ORIG_IPV4_SRC) == counting.from);
  counting.flows += counts ? 1 : 0;
  return NFCT_CB_CONTINUE;
}

}  // namespace

Result<int> count_flows(const FlowsOf& wanted) {
  Counting counting{::inet_addr(wanted.address.c_str()), htons(wanted.port),
                    wanted.from.empty() ? 0 : ::inet_addr(wanted.from.c_str()), 0};
  auto counted = inside(wanted.host, [&]() -> Result<> {
    // The socket belongs to the namespace in which it is made.
    const std::unique_ptr<nfct_handle, int (*)(nfct_handle*)> handle(nfct_open(CONNTRACK, 0),
                                                                     nfct_close);
    std::uint32_t family = AF_INET;
    if (handle) {
      nfct_callback_register(handle.get(), NFCT_T_ALL, count_one, &counting);
    }
    if (!handle || nfct_query(handle.get(), NFCT_Q_DUMP, &family) != 0) {
      return Error{ErrorKind::io, fmt::format("cannot read conntrack's table in host {}: {}",
                                              wanted.host, std::strerror(errno))};
    }
    return {};
  });
  return counted ? Result<int>(counting.flows) : Result<int>(counted.error());
}

FlowCounts::~FlowCounts() {
  thread_.stop();
  thread_.join();
}

void FlowCounts::count(const FlowsOf& wanted, Instant now, targets::Done<int> done) {
  auto& question = questions_[wanted];
  if (question.waiting.empty() && question.flows && now < question.begun + count_keeps) {
    done(*question.flows);
    return;
  }
  question.waiting.push_back(std::move(done));
  if (question.waiting.size() == 1) {
    question.begun = now;
    begin(wanted);
  }
}

void FlowCounts::begin(const FlowsOf& wanted) {
  boost::asio::post(thread_, [this, wanted] {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // a signal would end the look early
    boost::asio::post(io_, [this, wanted, flows = look_(wanted)] { counted(wanted, flows); });
  });
}

void FlowCounts::counted(const FlowsOf& wanted, const Result<int>& flows) {
  auto& question = questions_.at(wanted);
  question.flows = flows;
  for (const auto& done : std::exchange(question.waiting, {})) {
    done(flows);
  }
}

std::optional<int> held_flows(const std::string& said) {
  const auto begin = said.find("{\"held\"");
  const auto end = said.find('\n', begin);
  if (begin == std::string::npos || end == std::string::npos) {
    return std::nullopt;
  }
  const auto line = targets::Json::parse(said.substr(begin, end - begin), nullptr, false);
  return line.is_object() ? std::optional(line.value("held", 0)) : std::nullopt;
}

}  // namespace faultline::lab
