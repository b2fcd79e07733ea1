#include "targets/web/transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace faultline::web {
namespace {

/// Loopback and a cloud's own network answer within milliseconds; a second is a SYN sent again.
constexpr auto connect_limit = std::chrono::milliseconds(1500);

long curl_ms(Duration d) {  // 0 would be no limit
  return std::max(1L, static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(d).count()));
}

bool is_one_line(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
}

}  // namespace

Result<std::unique_ptr<Transfer>> Transfer::make(std::string url, const Request& request,
                                                 Ended ended) {
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !is_one_line(name) || !is_one_line(value)) {
      return Error{
          ErrorKind::usage,
          fmt::format("{}: expected headers of one line each, found one of several, or one "
                      "without a name",
                      url)};
    }
  }
  try {
    return std::unique_ptr<Transfer>(new Transfer(std::move(url), request, std::move(ended)));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

Transfer::Transfer(std::string url, const Request& request, Ended ended)
    : url_(std::move(url)),
      limit_(request.limit),
      deadline_(std::chrono::steady_clock::now() + request.limit),
      ended_(std::move(ended)),
      easy_(::curl_easy_init()) {
  if (!easy_) {
    throw Failure({ErrorKind::io, url_ + ": libcurl has no memory for one more request"});
  }
  for (const auto& [name, value] : request.headers) {
    // An empty value is sent only when the name ends in a semicolon.
    const auto line = value.empty() ? name + ';' : name + ": " + value;
    headers_.reset(::curl_slist_append(headers_.release(), line.c_str()));
  }
  set_options(request);
}

template <class Value>
void Transfer::set(CURLoption option, Value value) {
  if (::curl_easy_setopt(handle(), option, value) != CURLE_OK) {
    throw Failure({ErrorKind::io, fmt::format("{}: libcurl refuses its option {}", url_,
                                              static_cast<int>(option))});
  }
}

void Transfer::set_options(const Request& request) {
  set(CURLOPT_ERRORBUFFER, words_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_URL, url_.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // also no proxy that the environment names
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_USERAGENT, "faultline/" FAULTLINE_VERSION);
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  if (request.form) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.form->size()));
    set(CURLOPT_COPYPOSTFIELDS, request.form->c_str());
  }
}

bool Transfer::begin(Instant now, CURLM* multi) {
  const Duration left = deadline_ - now;
  const auto connect = std::min<Duration>(left, connect_limit);
  const bool taken =
      ::curl_easy_setopt(handle(), CURLOPT_TIMEOUT_MS, curl_ms(left)) == CURLE_OK &&
      ::curl_easy_setopt(handle(), CURLOPT_CONNECTTIMEOUT_MS, curl_ms(connect)) == CURLE_OK &&
      ::curl_multi_add_handle(multi, handle()) == CURLM_OK;
  if (!taken) {
    ended_(Error{ErrorKind::io, url_ + ": libcurl does not take one more request"});
  }
  return taken;
}

std::size_t Transfer::on_header(char* data, std::size_t one, std::size_t bytes, void* self) {
  auto& me = *static_cast<Transfer*>(self);
  const std::string_view line(data, one * bytes);
  me.headers_ended_ = line == "\r\n" || line == "\n";  // another head follows one of status 100
  me.header_bytes_ += line.size();
  if (me.header_bytes_ > max_header_bytes) {
    me.too_much_ = fmt::format("more than {} KiB of headers", max_header_bytes >> 10u);
    return 0;
  }
  return one * bytes;
}

std::size_t Transfer::on_body(char* data, std::size_t one, std::size_t bytes, void* self) {
  auto& me = *static_cast<Transfer*>(self);
  if (me.body_.size() + one * bytes > max_body_bytes) {
    me.too_much_ = fmt::format("more than {} MiB", max_body_bytes >> 20u);
    return 0;
  }
  me.body_.append(data, one * bytes);
  return one * bytes;
}

void Transfer::end(CURLcode code) {
  if (code != CURLE_OK) {
    ended_(error(code));
    return;
  }
  if (!headers_ended_) {  // libcurl takes it for an answer without a body
    ended_(Error{ErrorKind::io, url_ + ": the connection ended in the middle of the headers"});
    return;
  }
  long status = 0;
  const char* type = nullptr;
  ::curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
  ::curl_easy_getinfo(handle(), CURLINFO_CONTENT_TYPE, &type);
  ended_(Response{static_cast<int>(status), type == nullptr ? "" : type, std::move(body_)});
}

void Transfer::end_unbegun() {
  ended_(Error{ErrorKind::timeout,
               fmt::format("{}: other requests took all of its {}", url_, in_words(limit_))});
}

Error Transfer::error(CURLcode code) const {
  if (!too_much_.empty()) {
    return {ErrorKind::refused,
            fmt::format("{}: the answer is {}, which is the limit", url_, too_much_)};
  }
  std::string words = words_[0] != '\0' ? words_.data() : ::curl_easy_strerror(code);
  long number = 0;
  ::curl_easy_getinfo(handle(), CURLINFO_OS_ERRNO, &number);
  if (code == CURLE_COULDNT_CONNECT && number != 0) {
    words += ": " + std::generic_category().message(static_cast<int>(number));
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {ErrorKind::timeout,
            fmt::format("{}: no whole answer within {} ({})", url_, in_words(limit_), words)};
  }
  return {ErrorKind::io, fmt::format("{}: {}", url_, words)};
}

}  // namespace faultline::web
