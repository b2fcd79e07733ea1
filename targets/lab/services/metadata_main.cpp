#include "targets/lab/services/auth.hpp"
#include "targets/lab/services/machine_time.hpp"
#include "targets/lab/services/metadata.hpp"
#include "targets/net/flags.hpp"
#include "targets/net/line_server.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace faultline::services {

int metadata_main(std::span<const std::string> args) {
  net::FlagReader flags(args, {"--listen", "--instances", "--control"});
  const auto at = flags.endpoint("--listen");
  const auto control_path = flags.text("--control");
  if (auto read = flags.result(); !read) {
    return net::fail(read.error());
  }
  const auto instances = parse_instances(flags.text("--instances"));
  if (!instances) {
    return net::fail(instances.error());
  }
  boost::asio::io_context io(1);
  Metadata metadata(*instances, machine_time().now, random_session_id);
  const auto server = EventHttp::open(io, at, [&metadata](const HttpRequest& request) {
    return [answer = metadata.handle(request)] { return answer; };
  });
  if (!server) {
    return net::fail(server.error());
  }
  const auto control = net::LineServer::open(
      io, control_path,
      [&metadata](const nlohmann::json& request) { return metadata.control(request); });
  if (!control) {
    return net::fail(control.error());
  }
  fmt::print("metadata: listening on {}\n", net::to_string(at));
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace faultline::services
