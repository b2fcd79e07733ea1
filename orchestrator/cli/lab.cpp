#include "orchestrator/cli/lab.hpp"

#include "orchestrator/cli/commands.hpp"
#include "targets/lab/connection.hpp"
#include "targets/lab/launch.hpp"
#include "targets/say.hpp"
#include "targets/text.hpp"

#include <fmt/format.h>

namespace faultline::cli {
namespace {

struct LabOptions {
  std::string profile = "hardened";
  int snat_ports = 0;
  bool json = false;
  std::string name;
  std::vector<std::string> argv;
  bool follow = false;
  bool force = false;
  std::uint16_t listen = 0;
};

int up(const Context& context, const std::string& profile, int snat_ports) {
  if (const auto known = lab::profile(profile, snat_ports); !known) {
    return report(known.error());
  }
  const auto began = std::chrono::steady_clock::now();
  const auto seconds = [began] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  say(stderr, "starting a lab, profile {}, in {}\n", profile, context.home.string());
  lab::LaunchOptions options;
  options.home = context.home;
  options.cache = context.cache;
  options.profile = profile;
  options.snat_ports = snat_ports;
  options.progress = [&seconds](const std::string& doing) {
    say(stderr, "  {:4.1f} s  {}\n", seconds(), doing);
  };
  if (auto launched = lab::launch(options); !launched) {
    return report(launched.error());
  }
  say(stderr, "  {:4.1f} s  every component is healthy\n\n", seconds());
  const int code = lab_status(context, false);
  fmt::print(
      "\nNext:\n"
      "  faultline lab forward alb:80            reach the service from this machine\n"
      "  faultline lab exec client -- ip addr    run a program at a host\n"
      "  faultline lab down                      end it\n");
  return code;
}

/// Ends the lab, but not under a run that owns it.
int down(const Context& context, bool force) {
  const auto status = lab::ask(context.home, "status");  // one that does not answer may go down
  const auto owner = status ? status->value("owner", std::string()) : std::string();
  if (!force && !owner.empty()) {
    return report(
        {ErrorKind::refused,
         fmt::format("the lab is owned by {}; wait for it, stop it with `faultline abort`, "
                     "or say --force",
                     owner)});
  }
  if (auto gone = lab::shut_down(context.home); !gone) {
    return report(gone.error());
  }
  fmt::print("the lab in {} is gone\n", context.home.string());
  return 0;
}

CLI::App* add(CLI::App& lab, Context& context, const char* name, const char* what,
              std::function<int()> action) {
  auto* command = lab.add_subcommand(name, what);
  command->callback([&context, action = std::move(action)] { context.action = action; });
  return command;
}

}  // namespace

Result<lab::Host> find_host(const lab::Topology& topology, const std::string& name) {
  if (const auto* host = topology.host(name)) {
    return *host;
  }
  std::vector<std::string> names;
  for (const auto& host : topology.hosts) {
    names.push_back(host.name);
  }
  return Error{ErrorKind::usage,
               fmt::format("the lab has no host '{}'{}", name, suggestion(name, names))};
}

void add_lab(CLI::App& app, Context& context) {
  const auto o = std::make_shared<LabOptions>();
  auto* lab = app.add_subcommand("lab", "the embedded staging environment");
  lab->require_subcommand(1);

  auto* command = add(*lab, context, "up", "start it and wait until all is healthy",
                      [o, &context] { return up(context, o->profile, o->snat_ports); });
  command->add_option("--profile", o->profile, "hardened or naive")->capture_default_str();
  command->add_option("--snat-ports", o->snat_ports,
                      fmt::format("ports of each EIP for one destination, {} to {}; default 2048",
                                  lab::min_snat_ports, lab::max_snat_ports));

  command = add(*lab, context, "down", "end it; returns when nothing of it is left",
                [o, &context] { return down(context, o->force); });
  command->add_flag("--force", o->force, "also under a run that owns it");

  command = add(*lab, context, "status", "every component, what is in force, the owner",
                [o, &context] { return lab_status(context, o->json); });
  command->add_flag("--json", o->json, "as one JSON object");

  command = add(*lab, context, "exec", "run a program at a host: exec HOST -- CMD...",
                [o, &context] { return lab_exec(context, o->name, o->argv); });
  command->add_option("HOST", o->name)->required();
  command->add_option("CMD", o->argv)->required();

  command = add(*lab, context, "logs", "print the logs of a component or of a host",
                [o, &context] { return lab_logs(context, o->name, o->follow); });
  command->add_option("HOST|COMPONENT", o->name)->required();
  command->add_flag("-f,--follow", o->follow, "go on with what is added");

  command = add(*lab, context, "forward", "reach a port of the lab from this machine",
                [o, &context] { return lab_forward(context, o->name, o->listen); });
  command->add_option("HOST:PORT", o->name)->required();
  command->add_option("--listen", o->listen, "port on 127.0.0.1; default: any free one");
}

}  // namespace faultline::cli
