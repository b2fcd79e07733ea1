#include "targets/lab/database/parts.hpp"
#include "targets/lab/database/template.hpp"
#include "targets/net/flags.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

namespace faultline::database {
int template_main(std::span<const std::string> args) {
  if (args.size() == 1 && args[0] == "--name") {
    const auto name = installed_template_name();
    if (!name) {
      return net::fail(name.error());
    }
    fmt::print("{}\n", *name);
    return 0;
  }
  net::FlagReader flags(args, {"--into"});
  if (auto read = flags.result(); !read) {
    return net::fail(read.error());
  }
  const auto began = std::chrono::steady_clock::now();
  const auto built = build_template(flags.text("--into"));
  if (!built) {
    return net::fail(built.error());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("database template {} {}\n", flags.text("--into"),
             *built ? fmt::format("built in {:.2f} s", took.count()) : "was there");
  return 0;
}

}  // namespace faultline::database
