#include "targets/lab/supervisor.hpp"

#include "targets/lab/launch.hpp"
#include "targets/lab/supervisor_ground.hpp"
#include "targets/lab/supervisor_network.hpp"
#include "targets/lab/supervisor_sessions.hpp"
#include "targets/lab/supervisor_step_watch.hpp"
#include "targets/lab/supervisor_template.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace faultline::lab {
namespace {

namespace asio = boost::asio;
using targets::Json;
using namespace std::chrono_literals;

constexpr Duration start_limit = 25s;   // below the 30 s after which `launch` gives up by itself
constexpr Duration look_pause = 20ms;   // while starting, when each look decides how long it takes
constexpr Duration tick_every = 100ms;  // how late a lease or deadline may end
constexpr int last_wave = 2;            // of three in which the components start

Instant now() {
  return std::chrono::steady_clock::now();
}

/// JSON lines to whoever started the lab.
class Starter {
 public:
  explicit Starter(int fd) : fd_(fd) {}
  void progress(const std::string& what) { say({{"progress", what}}); }
  void ready() {
    say({{"ready", true}});
    fd_.reset();
  }
  void error(const std::string& words) {
    say({{"error", words}});
    fd_.reset();
  }

 private:
  void say(const Json& line) {
    const auto text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    [[maybe_unused]] const auto written = ::write(fd_.get(), text.data(), text.size());
  }
  net::Fd fd_;
};

/// Everything that makes a lab, in the order in which it is built.
class Supervisor {
 public:
  Supervisor(const SupervisorOptions& options, Topology topology, Ground ground)
      : topology_(std::move(topology)),
        places_{"/run/faultline", options.programs, {}},
        cache_(options.cache),
        starter_(options.ready_fd),
        ends_(io_, SIGTERM, SIGINT),
        timer_(io_),
        deadlines_(io_),
        lifeline_(io_),
        children_(io_),
        components_(children_, topology_, places_, std::move(ground.logs), lifted()),
        health_(io_, topology_, components_, places_),
        roles_(io_, topology_, health_),
        switchovers_(io_, topology_, health_),
        side_doors_(io_, components_, places_, lifted()),
        reclaims_(io_, components_, side_doors_),
        flows_(io_, children_, program(), lifted()),
        rules_(io_, rule_tables, nft_in(children_), lifted()),
        actions_({io_, topology_, components_, rules_, roles_, switchovers_, side_doors_, reclaims_,
                  flows_}),
        checks_({io_, topology_, children_, components_, health_, reclaims_, flows_, flow_counts_}),
        // The machine's uptime in ms: a lab started later never issues an epoch again.
        ownership_(static_cast<targets::Epoch>(now().time_since_epoch() / 1ms)),
        parts_{io_,
               topology_,
               children_,
               components_,
               health_,
               roles_,
               switchovers_,
               actions_,
               undoing_,
               checks_,
               ownership_,
               {{"pid", ground.outer_pid},
                {"up_since", rfc3339(std::chrono::floor<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now()))},
                {"version", FAULTLINE_VERSION}},
               [this](const targets::Notice& notice) { sessions_.publish(notice); },
               [this] { io_.stop(); }},
        sessions_(parts_, std::move(ground.listener)),
        steps_(io_, topology_, components_,
               [this](const targets::Notice& notice) { sessions_.publish(notice); }) {
    if (options.lifeline_fd >= 0) {
      lifeline_.assign(options.lifeline_fd);
    }
  }

  int run() {
    ends_.async_wait([this](boost::system::error_code e, int) {
      if (!e) {
        io_.stop();
      }
    });
    components_.on_death([this](const std::string& name, bool by_fault, const Exit& exit) {
      died(name, by_fault, exit);
    });
    health_.on_loss([this](const std::string& name, const std::string& how) {
      if (up_) {
        tell_death(name, false, how);
      }
    });
    watch_lifeline();
    sessions_.start();
    tick();
    starter_.progress("network");
    build_network(children_, plan_network(topology_),
                  [this](const Result<>& built) { one_ready(built); });
    const auto making = [this] { starter_.progress("database template (once)"); };
    prepare_template(children_, program(), cache_, places_.run / "template", making,
                     [this](const Result<std::filesystem::path>& made) {
                       template_ = made ? *made : std::filesystem::path();
                       one_ready(made ? Result<>{} : Result<>(made.error()));
                     });
    io_.run();
    return exit_code_;
  }

 private:
  void give_up(const std::string& why) {
    starter_.error(why);
    exit_code_ = 1;
    io_.stop();
  }

  void watch_lifeline() {
    if (lifeline_.is_open()) {
      lifeline_.async_read_some(asio::buffer(lifeline_byte_),
                                [this](boost::system::error_code e, std::size_t) {
                                  if (e) {
                                    io_.stop();
                                  } else {
                                    watch_lifeline();
                                  }
                                });
    }
  }

  /// Part of a fault's cause was gone before its undo: whoever judges the run must know.
  Lifted lifted() {
    return [this](const std::string& action, const std::string& how) {
      sessions_.publish({now(),
                         "action_lifted",
                         {{"action", action},
                          {"reason", fmt::format("somebody else undid {}: {}", action, how)}}});
    };
  }

  [[nodiscard]] std::string program() const {
    return (places_.programs / "faultline-saas").string();
  }

  /// The network and the template, which are made at the same time.
  void one_ready(const Result<>& ready) {
    if (!ready) {
      give_up(ready.error().message);
    } else if (--unready_ == 0) {
      start_components();
    }
  }

  /// Everything that connects through the wire starts when the wire carries: a lost first packet is
  /// sent again a second later. A replica that connects before its primary listens tries again a
  /// second later, and a Sentinel that finds a node missing looks again a second later: each starts
  /// when what it needs answers.
  [[nodiscard]] int wave_of(const Process& process) const {
    if (process.kind == "sentinel") {
      return last_wave;
    }
    const bool home =
        process.kind != "redis" || homes_.at(process.labels.at("cache")) == process.name;
    return home && process.kind != "app" && process.kind != "manager" ? 0 : 1;
  }

  void start_components() {
    starter_.progress("components");
    if (auto prepared = components_.prepare(template_); !prepared) {
      give_up(prepared.error().message);
    } else {
      start_wave(0);
    }
  }

  void start_wave(int wave) {
    for (const auto& process : topology_.processes) {
      if (wave_of(process) != wave) {
        continue;
      }
      if (auto started = components_.start(process.name); !started) {
        give_up(started.error().message);
        return;
      }
    }
    health_.look([this, wave] { wave == last_wave ? await_health() : await_wave(wave); });
  }

  void await_wave(int wave) {
    const auto silent = [&](const Process& process) {
      const auto report = health_.of(process.name);
      const bool waited_for = process.kind == "redis" || process.kind == "wire";
      const bool there = process.kind == "redis" ? !report.role.empty() : report.healthy;
      return waited_for && wave_of(process) <= wave && !there;
    };
    if (std::ranges::none_of(topology_.processes, silent)) {
      start_wave(wave + 1);
    } else {
      later([this, wave] { health_.look([this, wave] { await_wave(wave); }); });
    }
  }

  void await_health() {
    const auto wrong = unmet(health_.invariants());
    if (!wrong.empty()) {
      later([this] { health_.look([this] { await_health(); }); });
      return;
    }
    if (auto noted = checks_.note_network(); !noted) {
      give_up(noted.error().message);
      return;
    }
    up_ = true;
    health_.start();
    steps_.start();
    if (!lifeline_.is_open()) {
      ::prctl(PR_SET_PDEATHSIG, 0);  // until here it would have ended with whoever started it
    }
    starter_.ready();
  }

  /// The next step of starting, unless starting has taken too long.
  void later(std::function<void()> step) {
    if (now() >= began_ + start_limit) {
      give_up(fmt::format("not healthy after {}: {}", in_words(start_limit),
                          fmt::join(unmet(health_.invariants()), "; ")));
      return;
    }
    timer_.expires_after(look_pause);
    timer_.async_wait([step = std::move(step)](boost::system::error_code e) {
      if (!e) {
        step();
      }
    });
  }

  void died(const std::string& name, bool by_fault, const Exit& exit) {
    if (!up_) {
      give_up(fmt::format("{} {} while the lab started; its last words in logs/{}.log: {}", name,
                          exit.in_words(), name, components_.last_words(name)));
      return;
    }
    tell_death(name, by_fault, exit.in_words());
  }

  void tell_death(const std::string& name, bool by_fault, const std::string& how) {
    sessions_.publish(
        {now(), "component_died", {{"component", name}, {"by_fault", by_fault}, {"how", how}}});
  }

  void tick() {
    const auto expired = ownership_.tick(now());
    for (const auto& notice : expired.notices) {
      sessions_.publish(notice);
    }
    for (const auto& action : expired.reverts) {
      undoing_.undo(action, [](const Result<>&) {});  // tried again when it failed
    }
    deadlines_.expires_after(tick_every);
    deadlines_.async_wait([this](boost::system::error_code e) {
      if (!e) {
        tick();
      }
    });
  }

  asio::io_context io_;
  const Topology topology_;
  const std::map<std::string, std::string> homes_ = blueprint(topology_).homes;
  const Places places_;
  const std::filesystem::path cache_;
  std::filesystem::path template_;
  int unready_ = 2;  // network and template
  const Instant began_ = now();
  Starter starter_;
  asio::signal_set ends_;
  asio::steady_timer timer_;
  asio::steady_timer deadlines_;
  asio::posix::stream_descriptor lifeline_;
  std::array<char, 1> lifeline_byte_{};
  Children children_;
  Components components_;
  Health health_;
  Roles roles_;
  Switchovers switchovers_;
  SideDoors side_doors_;
  Reclaims reclaims_;
  FlowHolds flows_;
  FlowCounts flow_counts_{io_, count_flows};
  RuleChanges rules_;
  Actions actions_;
  Checks checks_;
  Ownership ownership_;
  Undoing undoing_{ownership_, [this](const targets::Action& action, targets::Done<void> done) {
                     actions_.revert(action, std::move(done));
                   }};
  LabParts parts_;
  Sessions sessions_;
  StepWatch steps_;
  bool up_ = false;
  int exit_code_ = 0;
};

/// Every process of the lab but this one, so that nothing is left when the caller sees it end.
void kill_everything() {
  ::kill(-1, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

}  // namespace

int supervisor_main(const SupervisorOptions& options) {
  if (::getpid() != 1) {
    Starter(options.ready_fd).error("the supervisor must be the first process of its namespaces");
    return 1;
  }
  auto chosen = profile(options.profile, options.snat_ports);
  if (!chosen) {
    Starter(options.ready_fd).error(chosen.error().message);
    return 2;
  }
  auto ground = prepare_ground(options);
  if (!ground) {
    Starter(options.ready_fd).error(ground.error().message);
    return 1;
  }
  int code = 0;
  {
    Supervisor supervisor(options, make_topology(*chosen), std::move(*ground));
    code = supervisor.run();
    std::error_code ignored;
    std::filesystem::remove(socket_path(options.home), ignored);
    kill_everything();
  }
  return code;
}

}  // namespace faultline::lab
