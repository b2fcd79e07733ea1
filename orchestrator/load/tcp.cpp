// Kind tcp: a new connection for each request.
#include "orchestrator/load/network_error.hpp"
#include "orchestrator/load/place.hpp"
#include "orchestrator/load/source.hpp"

#include <boost/beast/core/tcp_stream.hpp>

namespace faultline::load {
namespace {

void connect_once(boost::asio::io_context& io, const Endpoint& to, Request request) {
  const auto sent = std::chrono::steady_clock::now();
  const auto stream = std::make_shared<boost::beast::tcp_stream>(io);
  stream->expires_at(request.deadline);
  stream->async_connect(
      to, [stream, sent, done = std::move(request.done)](boost::system::error_code error) {
        done(error ? failed(error_class(error, true), sent) : Outcome{slo::Class::good, "", sent});
      });
}

}  // namespace

Result<Source> make_tcp(boost::asio::io_context& io, const Spec& spec) {
  Fields args(spec.args, where(spec));
  const auto host = args.text("host");
  const auto port = args.number("port", 1, 65'535);
  if (const auto done = args.done(); !done) {
    return done.error();
  }
  const auto to = destination(host, port);
  if (!to) {
    return to.error();
  }
  return Source{
      .send = [&io, to = *to](Request request) { connect_once(io, to, std::move(request)); }};
}

}  // namespace faultline::load
