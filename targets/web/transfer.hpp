#pragma once

#include "targets/web/client.hpp"

#include <array>
#include <curl/curl.h>

namespace faultline::web {

/// One request on its way, as libcurl's easy handle and what has come of it so far.
class Transfer {
 public:
  /// Runs once, on the loop's thread.
  using Ended = std::function<void(Result<Response>)>;

  /// `url` as `checked_url` gives it. Error `usage` for a header that would be two.
  static Result<std::unique_ptr<Transfer>> make(std::string url, const Request& request,
                                                Ended ended);

  [[nodiscard]] CURL* handle() const { return easy_.get(); }
  [[nodiscard]] Instant deadline() const { return deadline_; }
  /// Before the handle is run: from now on it has what is left until the deadline. False, and it
  /// has ended, when libcurl does not take it.
  bool begin(Instant now, CURLM* multi);
  void end(CURLcode code);
  /// The deadline passed before it was begun.
  void end_unbegun();

 private:
  struct Cleanup {
    void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  };

  Transfer(std::string url, const Request& request, Ended ended);
  template <class Value>
  void set(CURLoption option, Value value);
  void set_options(const Request& request);
  [[nodiscard]] Error error(CURLcode code) const;
  static std::size_t on_header(char* data, std::size_t one, std::size_t bytes, void* self);
  static std::size_t on_body(char* data, std::size_t one, std::size_t bytes, void* self);

  std::string url_;
  Duration limit_;
  Instant deadline_;
  Ended ended_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  std::string body_, too_much_;
  std::size_t header_bytes_ = 0;
  bool headers_ended_ = false;
  std::unique_ptr<curl_slist, Cleanup> headers_;
  std::unique_ptr<CURL, Cleanup> easy_;  // last: it refers to what is above
};

}  // namespace faultline::web
