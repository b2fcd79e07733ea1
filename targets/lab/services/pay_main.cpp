#include "targets/lab/services/machine_time.hpp"
#include "targets/lab/services/pay.hpp"
#include "targets/net/flags.hpp"
#include "targets/net/line_server.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace faultline::services {

int pay_main(std::span<const std::string> args) {
  net::FlagReader flags(args, {"--listen", "--control"});
  const auto at = flags.endpoint("--listen");
  const auto control_path = flags.text("--control");
  if (auto read = flags.result(); !read) {
    return net::fail(read.error());
  }
  raise_descriptor_limit();
  boost::asio::io_context io(1);
  Pay pay(machine_time().random);
  const auto server =
      EventHttp::open(io, at, [&pay](const HttpRequest& request) { return pay.handle(request); });
  if (!server) {
    return net::fail(server.error());
  }
  const auto control = net::LineServer::open(io, control_path, [&](const nlohmann::json& request) {
    auto answer = pay.control(request);
    (*server)->reconsider();
    return answer;
  });
  if (!control) {
    return net::fail(control.error());
  }
  fmt::print("pay: listening on {}\n", net::to_string(at));
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace faultline::services
