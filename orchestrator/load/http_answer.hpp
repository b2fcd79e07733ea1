#pragma once

#include <boost/beast/http/basic_parser.hpp>

#include <string>
#include <string_view>

namespace faultline::load {

/// One answer, read as it arrives. Keeps of the body what is asked for, and counts the rest.
class HttpAnswer : public boost::beast::http::basic_parser<false> {
 public:
  using Error = boost::system::error_code;

  /// Of another than the expected status the service's own word is looked for, see
  /// status_classes.hpp.
  static constexpr std::size_t explanation_bytes = 4097;

  /// `head`: the request was a HEAD, so no body follows. `keep_bytes`: of the body of an answer
  /// with the expected status. Longer than `max_bytes` is an error, before anything of it has been
  /// read where the length is announced.
  HttpAnswer(bool head, unsigned expected_status, std::size_t keep_bytes, std::uint64_t max_bytes)
      : expected_(expected_status), keep_(keep_bytes) {
    eager(true);
    skip(head);
    body_limit(max_bytes);
  }

  /// Takes what arrived; true when the answer is whole. `bytes` then begins behind it. Error
  /// `header_limit` also of anything but a body that does not end.
  bool take(std::string_view& bytes, Error& error);
  /// The other side has closed: true when that ends the answer in order.
  bool ended(Error& error);

  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] bool degraded() const { return degraded_; }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] const std::string& body() const { return body_; }

 private:
  using View = boost::beast::string_view;
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;
  void on_request_impl(Verb, View, View, int, Error&) override {}
  void on_response_impl(int code, View, int, Error&) override {
    status_ = static_cast<unsigned>(code);
    keep_ = status_ == expected_ ? keep_ : explanation_bytes;
  }
  void on_field_impl(Field field, View name, View, Error&) override;
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(View body, Error&) override;
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Error& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(Error&) override {}

  unsigned expected_;
  std::size_t keep_;
  unsigned status_ = 0;
  bool degraded_ = false;
  std::uint64_t body_bytes_ = 0;
  std::string body_;
  std::string held_;  ///< of a head, or of the line before a chunk, that is not whole yet
};

}  // namespace faultline::load
