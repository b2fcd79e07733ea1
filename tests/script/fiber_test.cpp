#include "tests/script/lab_world.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <gmock/gmock.h>

/// Scripts in fibers, as the engine runs them: many suspended at once, wherever they are in Lua.
namespace faultline::script {
namespace {

using testing::HasSubstr;

/// Gives way to the other fibers at each wait.
class YieldingStage : public engine::Stage {
 public:
  explicit YieldingStage(boost::asio::yield_context yield) : yield_(std::move(yield)) {}
  targets::World world() override { return lab_world(); }
  void baseline(std::optional<Duration> /*length*/, const engine::Place& /*place*/) override {}
  std::vector<engine::FaultId> inject(const std::vector<engine::FaultRequest>&) override {
    return {{0}};
  }
  void revert(engine::FaultId /*fault*/) override {}
  void wait(Duration /*length*/) override {
    boost::asio::post(boost::asio::get_associated_executor(yield_), yield_);
    ++waits;
  }
  bool expect(const engine::Expectation& /*expectation*/) override { return true; }
  void stop_when(const engine::StopCondition& /*condition*/) override {}
  void declare(const std::string& /*reason*/, const engine::Place& /*place*/) override {}
  void note(const std::string& text) override { last_note = text; }

  int waits = 0;
  std::string last_note;

 private:
  boost::asio::yield_context yield_;
};

/// Runs a method in a fiber of the size that the engine gives it.
void in_fiber(boost::asio::io_context& io, std::function<void(boost::asio::yield_context)> body) {
  boost::asio::spawn(io, std::allocator_arg,
                     boost::context::protected_fixedsize_stack(engine::method_stack_bytes),
                     std::move(body), [](const std::exception_ptr& error) {
                       if (error) {
                         std::rethrow_exception(error);
                       }
                     });
}

TEST(Fiber, ScriptsAreSuspendedInsideOfPcallSortAndGsub) {
  constexpr int scripts = 50;
  const Folder folder;
  const auto text = with_method(
      "pcall(function() run:wait(1*s) end) "
      "table.sort({ 3, 1, 2 }, function(a, b) run:wait(1*s) return a < b end) "
      "local said = ('abc'):gsub('.', function(c) run:wait(1*s) return c:upper() end) "
      "run:log(said)");
  boost::asio::io_context io;
  int finished = 0;
  for (int i = 0; i < scripts; ++i) {
    in_fiber(io, [&, experiment = load(folder, text).value()](auto yield) {
      YieldingStage stage(yield);
      experiment.method(stage);
      EXPECT_EQ(stage.last_note, "ABC");
      EXPECT_GE(stage.waits, 6);
      ++finished;
    });
  }
  io.run();
  EXPECT_EQ(finished, scripts);
}

TEST(Fiber, ItsStackIsEnoughForTheDeepestScript) {
  const Folder folder;
  const std::vector<std::string> deepest{
      "local function f() return (('x'):gsub('x', f)) end f()",
      "local function f(a, b) table.sort({ 1, 2, 3 }, f) return a < b end f(1, 2)",
      "local function f() return tostring(setmetatable({}, { __tostring = f })) end f()",
      "local function f() local fine, e = pcall(f) if not fine then error(e, 0) end end f()",
      "assert(load('return ' .. ('{'):rep(100000)))",
      "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] "
      "end return t.x",
  };
  for (const auto& body : deepest) {
    boost::asio::io_context io;
    in_fiber(io, [&, experiment = load(folder, with_method(body)).value()](auto yield) {
      YieldingStage stage(yield);
      std::string message;
      try {
        experiment.method(stage);
      } catch (const Failure& failure) {
        message = failure.error().message;
      }
      EXPECT_THAT(message, testing::AnyOf(HasSubstr("overflow"), HasSubstr("C levels"),
                                          HasSubstr("limit"), HasSubstr("KiB")))
          << body;
    });
    io.run();
  }
}

}  // namespace
}  // namespace faultline::script
