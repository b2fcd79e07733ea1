#include "orchestrator/cli/commands.hpp"
#include "orchestrator/script/shapes.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace faultline::cli {
namespace {

/// {0} is the name. It passes `faultline check` as it is.
constexpr const char* first_experiment = R"lua(-- {0}: what this experiment is about, in a sentence.
--
--   faultline check {0}.lua     syntax, names, units; touches nothing
--   faultline plan {0}.lua      what would be done, and how each step is undone
--   faultline run {0}.lua       does it, in a private lab
--
-- Faults and their parameters: `faultline faults`. Probes and objectives: `faultline env show`.
return experiment {{
  name       = "{0}",
  hypothesis = "Logins survive the loss of the session store's primary",

  -- Values for --var mode=hang; the first is the default.
  params = {{ mode = one_of {{ "crash", "hang" }} }},

  -- Checked before anything is touched.
  requires = {{ replicas("sessions", 1) }},

  method = function(run, p)
    -- Steady state, before anything is broken.
    run:baseline()

    -- Break it; this returns when it is proved to be broken.
    local lost = run:inject(fault.redis_failover {{ cache = "sessions", mode = p.mode }})

    -- What must hold meanwhile. Each waits until it is decided.
    run:expect(recovered "sessions", {{ from = lost, within = rto "sessions" }})
    run:expect(good("login", 97), {{ from = lost, over = 20*s }})

    -- Put it back. Whatever is left here is reverted at the end of the method anyway.
    lost:revert()
  end,
}}
)lua";

Result<> write_new(const std::string& file, const std::string& text) {
  std::FILE* out = std::fopen(file.c_str(), "wxe");  // x: never over an existing file
  if (out == nullptr) {
    return Error{ErrorKind::usage,
                 errno == EEXIST ? fmt::format("{} exists already; choose another name", file)
                                 : fmt::format("cannot write {}: {}", file, std::strerror(errno))};
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  if (std::fclose(out) != 0 || !written) {
    return Error{ErrorKind::io, fmt::format("cannot write {}: is the disk full?", file)};
  }
  return {};
}

int create(const std::string& name) {
  if (!script::is_identifier(name)) {
    return report({ErrorKind::usage,
                   fmt::format("a name has a-z, 0-9 and _, and starts with a letter, such as "
                               "redis_lost; found '{}'",
                               name)});
  }
  const auto file = name + ".lua";
  if (const auto written = write_new(file, fmt::format(fmt::runtime(first_experiment), name));
      !written) {
    return report(written.error());
  }
  fmt::print("wrote {0}; next: faultline check {0}\n", file);
  return 0;
}

}  // namespace

void add_new(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  auto* command = app.add_subcommand("new", "a commented experiment to start from: NAME.lua");
  command->add_option("NAME", *name, "a-z, 0-9 and _")->required();
  command->callback([name, &context] { context.action = [name] { return create(*name); }; });
}

}  // namespace faultline::cli
