#include "orchestrator/engine/fiber.hpp"

#include "orchestrator/engine/experiment.hpp"

#include <boost/asio/post.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

namespace faultline::engine {

void Fiber::start(const boost::asio::any_io_executor& executor, std::function<void(Fiber&)> body,
                  std::function<void(std::exception_ptr)> ended) {
  boost::asio::spawn(
      executor, std::allocator_arg, boost::context::protected_fixedsize_stack(method_stack_bytes),
      [executor, body = std::move(body)](boost::asio::yield_context yield) {
        Fiber fiber(executor, std::move(yield));
        body(fiber);
      },
      [ended = std::move(ended)](std::exception_ptr thrown) { ended(thrown); });
}

void Fiber::wait(const std::function<bool()>& condition) {
  while (!condition()) {
    suspend();
  }
}

void Fiber::suspend() {
  boost::asio::async_initiate<boost::asio::yield_context, void()>(
      [this](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        resume_ = [shared, executor = executor_] {
          boost::asio::post(executor, [shared] { std::move (*shared)(); });
        };
      },
      yield_);
}

void Fiber::wake() {
  if (resume_) {
    std::exchange(resume_, nullptr)();
  }
}

}  // namespace faultline::engine
