#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/session.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

namespace faultline::cli {
namespace {

struct RecoverOptions {
  std::string accept, reason;
};

std::string user() {
  const passwd* found = ::getpwuid(::getuid());
  return found != nullptr ? found->pw_name : fmt::format("uid {}", ::getuid());
}

int recover(const Context& context, const RecoverOptions& options) {
  if (options.accept.empty() != options.reason.empty()) {
    return report(Error{ErrorKind::usage,
                        "--accept RESOURCE and --reason TEXT go together, and "
                        "neither is empty; nothing was done"});
  }
  std::optional<guard::Acceptance> accept;
  if (!options.accept.empty()) {
    accept = {.resource = options.accept, .reason = options.reason, .who = user()};
  }
  const auto recovered = recover_leftovers(context, accept);
  if (!recovered) {
    return report(recovered.error());
  }
  for (const auto& line : recovered->lines) {
    fmt::print("{}\n", line);
  }
  if (recovered->lines.empty()) {
    fmt::print("nothing to recover: no journal in {} holds an open fault\n", context.home.string());
  }
  if (!recovered->residue.empty()) {
    fmt::print(
        "mend it and say `faultline recover` again, or say that it may stay as it is: "
        "`faultline recover --accept RESOURCE --reason TEXT`, with one of those that are held\n");
  }
  return recovered->residue.empty() ? 0 : 5;
}

}  // namespace

void add_recover(CLI::App& app, Context& context) {
  auto o = std::make_shared<RecoverOptions>();
  auto* command = app.add_subcommand("recover", "put back what a run that died left behind");
  auto* accept =
      command->add_option("--accept", o->accept,
                          "hold this resource no more, even if it cannot be put back: \"zone b\"");
  auto* reason =
      command->add_option("--reason", o->reason, "why; it is recorded, with who said so");
  accept->needs(reason);
  reason->needs(accept);
  command->callback(
      [o, &context] { context.action = [o, &context] { return recover(context, *o); }; });
}

}  // namespace faultline::cli
