#include "targets/sql/connection.hpp"

#include <algorithm>
#include <chrono>
#include <poll.h>

namespace faultline::sql {

Connection::Connection(const net::Endpoint& to, const Login& as, Instant deadline)
    : conversation_(std::make_unique<Conversation>()) {
  conversation_->connect(to, as);
  finish(deadline);
}

Answer Connection::query(std::string statement, Instant deadline) {
  if (!stands()) {
    return {failure_, {}, {}};
  }
  conversation_->query(std::move(statement));
  return finish(deadline);
}

Answer Connection::finish(Instant deadline) {
  using namespace std::chrono;
  while (conversation_->wants() != 0) {
    const auto left = ceil<milliseconds>(deadline - Instant(steady_clock::now())).count();
    pollfd watched{conversation_->socket(), conversation_->wants(), 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (ready == 0) {
      conversation_->cut_short();
    } else if (ready > 0) {
      conversation_->happened(watched.revents);
    }
  }
  Answer answer = conversation_->answer();
  if (!stands()) {
    failure_ = answer.failure;
  }
  return answer;
}

}  // namespace faultline::sql
