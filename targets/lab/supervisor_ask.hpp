#pragma once

#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <string>

namespace faultline::lab {

/// One question to a server: connect, send, read, close.
struct Question {
  std::string host;     ///< the network it is asked from; empty with `path`
  std::string address;  ///< IPv4
  std::uint16_t port = 0;
  std::string path;  ///< a Unix socket instead of an address, at most 107 bytes
  std::string text;  ///< what is sent; empty: only connect, unless `greeted`
  std::function<bool(const std::string&)>
      whole;  ///< the answer is complete; empty: read to its end
  Duration limit{};
  bool greeted = false;  ///< the server speaks first
};

struct Said {
  std::string text;
  Duration took{};
};

/// Why there was no answer.
enum class Silence {
  timeout,
  refused,
  broken,
  not_asked,  ///< nothing left this machine: no socket, no port, no address to ask
};

struct NoAnswer {
  Silence why = Silence::broken;
  std::string words;  ///< "connect to 10.0.1.20:6379 from a-router: timed out after 300.2 ms"
};

using Heard = boost::system::result<Said, NoAnswer>;

/// Error `io` when nothing was asked, so that nothing is known of the server.
Result<> was_asked(const Heard& heard);

/// Calls `done` once, from the io_context.
void ask(boost::asio::io_context& io, const Question& question, std::function<void(Heard)> done);

/// Connects from the host and gives the connected socket.
void dial(boost::asio::io_context& io, const Question& question,
          std::function<void(boost::system::result<int, NoAnswer>)> done);

[[noreturn]] inline void throw_exception_from_error(const NoAnswer& silence,
                                                    const boost::source_location& /*where*/) {
  throw std::runtime_error(silence.words);
}

}  // namespace faultline::lab
