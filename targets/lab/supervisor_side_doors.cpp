#include "targets/lab/supervisor_side_doors.hpp"

#include "targets/lab/supervisor_http.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace faultline::lab {
namespace {

constexpr Duration limit = std::chrono::seconds(2);  // it takes a millisecond

}  // namespace

void SideDoors::tell(const std::string& component, const targets::Json& what,
                     targets::Done<void> done) {
  ask(io_, side_door_question(control_socket(places_, component), what, limit),
      [component, done = std::move(done)](const Heard& heard) {
        const auto answer = side_door_answer(heard);
        done(answer ? Result<>{}
                    : Result<>(Error{answer.error().kind,
                                     fmt::format("{}: {}", component, answer.error().message)}));
      });
}

void SideDoors::forget(const std::string& component, const targets::Json& what,
                       targets::Done<void> done) {
  if (components_.state(component) == targets::ProcessState::dead) {
    boost::asio::post(io_, [done = std::move(done)] { done(Result<>{}); });
  } else {
    tell(component, what, std::move(done));
  }
}

}  // namespace faultline::lab
