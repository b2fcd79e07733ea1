#include "orchestrator/load/http_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace faultline::load {

namespace http = boost::beast::http;

namespace {

/// Of a head, or of the line before a chunk, that does not end. Beast has 8 KiB for a head.
constexpr std::size_t max_held_bytes = 16'384;

}  // namespace

void HttpAnswer::on_field_impl(Field field, View name, View, Error&) {
  degraded_ = degraded_ || (field == Field::unknown && boost::beast::iequals(name, "X-Degraded"));
}

std::size_t HttpAnswer::on_body_impl(View body, Error&) {
  body_bytes_ += body.size();
  if (body_.size() < keep_) {
    body_.append(body.data(), std::min<std::size_t>(body.size(), keep_ - body_.size()));
  }
  return body.size();
}

bool HttpAnswer::take(std::string_view& bytes, Error& error) {
  const bool holding = !held_.empty();
  if (holding) {
    held_.append(bytes);
  }
  const std::string_view all = holding ? std::string_view(held_) : bytes;
  std::size_t used = 0;
  while (used < all.size() && !is_done()) {
    const auto step = put(boost::asio::buffer(all.data() + used, all.size() - used), error);
    used += step;
    if (error || step == 0) {
      break;
    }
  }
  if (error == http::error::need_more) {
    error = {};
  }
  const auto left = all.substr(used);
  bytes = bytes.substr(bytes.size() - std::min(left.size(), bytes.size()));
  if (!is_done()) {
    held_ = std::string(left);
    if (held_.size() > max_held_bytes && !error) {
      error = http::error::header_limit;
    }
  }
  return is_done();
}

bool HttpAnswer::ended(Error& error) {
  if (got_some()) {
    put_eof(error);
  } else {
    error = http::error::end_of_stream;
  }
  return !error && is_done();
}

}  // namespace faultline::load
