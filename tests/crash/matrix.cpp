#include "orchestrator/cli/session.hpp"
#include "orchestrator/engine/residue.hpp"
#include "targets/catalog.hpp"
#include "tests/integration/program.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

/// The crash matrix on the real lab.
namespace faultline::crash {
namespace {

using namespace std::chrono_literals;
using integration::Outcome;
using integration::Program;
using integration::TemporaryHome;
using Steady = std::chrono::steady_clock;

enum class By { guard, next_start, deadline };
constexpr std::array all_ways{By::guard, By::next_start, By::deadline};

std::string_view to_string(By by) {
  return by == By::guard ? "the guard" : by == By::next_start ? "the next start" : "the deadline";
}

/// A fault for every kind of action.
const std::vector<std::vector<std::string>>& faults() {
  static const std::vector<std::vector<std::string>> all{
      {"az_partition", "zone=b"},
      {"az_partition", "zone=b", "mode=loss"},
      {"az_partition", "zone=b", "mode=latency"},
      {"redis_failover", "cache=sessions", "mode=crash"},
      {"redis_failover", "cache=sessions", "mode=hang"},
      {"redis_failover", "cache=sessions", "mode=isolate"},
      {"redis_failover", "cache=sessions", "mode=switchover"},
      {"db_failover", "database=orders", "mode=switchover"},
      {"spot_reclaim", "instances=b-spot", "notice=1s"},
      {"snat_exhaustion", "mode=hog"},
      {"snat_exhaustion", "mode=shrink"},
      {"third_party", "dependency=pay", "mode=latency"}};
  return all;
}

constexpr auto not_killed = "not killed";

struct Case {
  std::vector<std::string> fault;
  int point = 0;
  By by = By::guard;
};

/// One lab, and cases one after the other on it.
class Lane {
 public:
  /// Empty: it is up.
  std::string up() {
    if (const Outcome up = home_.run({"lab", "up"}); up.code != 0) {
      return up.err;
    }
    auto target = targets::find("lab")->open(io_, {.home = home_.path(),
                                                   .cache = home_.path() / "cache",
                                                   .profile = "",
                                                   .stage = false,
                                                   .progress = {}});
    if (!target) {
      return target.error().message;
    }
    target_ = std::move(*target);
    return note_health();
  }
  /// How many points the fault's life has when nobody kills it.
  int points_of(const std::vector<std::string>& fault) {
    const auto file = (home_.path() / "count").string();
    std::filesystem::remove(file);
    (void)inject(fault, {{"FAULTLINE_CRASH_COUNT", file}})->wait();
    std::ifstream in(file);
    std::string line;
    int points = 0;
    while (std::getline(in, line)) {
      ++points;
    }
    end_guard();
    return points;
  }
  /// What is left after a crash at that point and its recovery; empty: nothing.
  std::vector<std::string> residue_of(const Case& c, std::string& where) {
    Program::Environment environment{{"FAULTLINE_CRASH_AT", std::to_string(c.point)}};
    if (c.by != By::guard) {
      environment["FAULTLINE_CRASH_NO_HELP"] = "1";
    }
    const Outcome crashed = inject(c.fault, environment)->wait();
    where = after(crashed.err, "killed: ");
    std::vector<std::string> left;
    if (c.by == By::next_start) {
      recover(left);
    }
    // The guard acts in a second, the lab's lease ends in ten; healthy again within thirty.
    const auto limit = Steady::now() + 60s;
    std::vector<std::string> differences;
    do {
      std::this_thread::sleep_for(100ms);
      differences = difference();
    } while (!differences.empty() && Steady::now() < limit);
    left.insert(left.end(), differences.begin(), differences.end());
    end_guard();
    recover(left);
    if (const auto again = home_.run({"recover"}).out; !again.starts_with("nothing to recover")) {
      left.push_back("still to recover: " + again);
    }
    return left;
  }

 private:
  /// As every run does first: a lab that has just come up may still have a link without carrier.
  std::string note_health() {
    const auto limit = Steady::now() + 30s;
    for (;;) {
      const auto found = invariants();
      if (!found) {
        return found.error().message;
      }
      const auto wrong = engine::unhealthy(*found);
      if (wrong.empty()) {
        before_ = engine::values_of(*found);
        return "";
      }
      if (Steady::now() > limit) {
        return fmt::format("the lab is not healthy: {}", fmt::join(wrong, "; "));
      }
      std::this_thread::sleep_for(100ms);
    }
  }
  std::unique_ptr<Program> inject(const std::vector<std::string>& fault,
                                  const Program::Environment& more) {
    std::vector<std::string> argv{integration::program("crash_faultline"), "inject"};
    argv.insert(argv.end(), fault.begin(), fault.end());
    argv.insert(argv.end(), {"--for", "1s"});
    auto environment = home_.environment();
    environment.insert(more.begin(), more.end());
    return std::make_unique<Program>(argv, environment);
  }
  void recover(std::vector<std::string>& left) {
    if (const Outcome next = home_.run({"recover"}); next.code != 0) {
      left.push_back(fmt::format("recover: exit {}: {}{}", next.code, next.out, next.err));
    }
  }
  /// The next case has one of its own, which may or may not help.
  void end_guard() {
    if (const auto guard = home_.guard(); guard > 0) {
      ::kill(guard, SIGKILL);
      while (home_.guard() == guard) {
        std::this_thread::sleep_for(5ms);
      }
    }
  }
  Result<std::vector<targets::Invariant>> invariants() {
    return cli::await<std::vector<targets::Invariant>>(
        io_, [this](auto done) { target_->invariants(std::move(done)); });
  }
  /// Roles may have moved, as they may when a fault is healed; a whole cluster is wanted then too.
  std::vector<std::string> difference() {
    const auto now = invariants();
    if (!now) {
      return {"the lab does not answer: " + now.error().message};
    }
    auto found = engine::differences(before_, engine::values_of(*now),
                                     {"cache sessions primary", "database orders rw"});
    const auto world =
        cli::await<targets::World>(io_, [this](auto done) { target_->observe(std::move(done)); });
    for (const auto& still : world ? world->in_force : std::vector<targets::InForce>{}) {
      found.push_back("in force: " + still.action.summary);
    }
    return found;
  }
  static std::string after(const std::string& text, const std::string& word) {
    const auto at = text.find(word);
    return at == std::string::npos
               ? std::string(not_killed)
               : text.substr(at + word.size(), text.find('\n', at) - at - word.size());
  }

  TemporaryHome home_;
  boost::asio::io_context io_;
  std::unique_ptr<targets::Target> target_;
  engine::InvariantValues before_;
};

/// "2/12": every twelfth case, beginning with the second.
std::optional<std::pair<std::size_t, std::size_t>> parse_shard(const std::string& text) {
  std::size_t number = 0, of = 0;
  if (std::sscanf(text.c_str(), "%zu/%zu", &number, &of) != 2 || number < 1 || number > of) {
    return std::nullopt;
  }
  return std::pair(number - 1, of);
}

std::vector<Case> cases(Lane& lane, std::pair<std::size_t, std::size_t> shard) {
  std::vector<Case> all;
  std::size_t number = 0;
  for (const auto& fault : faults()) {
    const int points = lane.points_of(fault);
    fmt::print("{}: {} points\n", fmt::join(fault, " "), points);
    for (int point = 0; point < points; ++point) {
      for (const auto by : all_ways) {
        if (number++ % shard.second == shard.first) {
          all.push_back({fault, point, by});
        }
      }
    }
  }
  return all;
}

int run(const std::string& shard_text, std::size_t lanes) {
  const auto shard = parse_shard(shard_text);
  if (!shard) {
    fmt::print(stderr, "--shard: expected I/N with 1 <= I <= N, found '{}'\n", shard_text);
    return 2;
  }
  std::vector<std::unique_ptr<Lane>> labs;
  for (std::size_t i = 0; i < lanes; ++i) {
    labs.push_back(std::make_unique<Lane>());
    if (const auto problem = labs.back()->up(); !problem.empty()) {
      fmt::print(stderr, "{}", problem);
      return 3;
    }
  }
  const auto todo = cases(*labs.front(), *shard);
  std::atomic<std::size_t> next = 0, points = 0, residue = 0;
  std::mutex printing;
  std::vector<std::jthread> threads;
  for (auto& lab : labs) {
    threads.emplace_back([&, lane = lab.get()] {
      for (auto i = next++; i < todo.size(); i = next++) {
        std::string where;
        const auto left = lane->residue_of(todo[i], where);
        residue += left.empty() ? 0 : 1;
        points += where == not_killed ? 0 : 1;  // a life has not always as many points
        const std::lock_guard lock(printing);
        fmt::print("{} at point {} ({}), recovered by {}: {}\n", fmt::join(todo[i].fault, " "),
                   todo[i].point, where, to_string(todo[i].by),
                   left.empty() ? "nothing left" : fmt::format("{}", fmt::join(left, "; ")));
        std::fflush(stdout);
      }
    });
  }
  threads.clear();
  fmt::print("crash points {}, residue {}\n", points.load(), residue.load());
  return residue == 0 ? 0 : 1;
}

}  // namespace
}  // namespace faultline::crash

int main(int argc, char** argv) {
  CLI::App app{"Kills the orchestrator at every point on the real lab, and looks for what is left"};
  std::string shard = "1/1";
  std::size_t lanes = 1;
  app.add_option("--shard", shard, "I/N: every N-th case, from the I-th");
  app.add_option("--lanes", lanes, "labs side by side");
  CLI11_PARSE(app, argc, argv);
  return faultline::crash::run(shard, lanes);
}
