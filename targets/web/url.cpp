#include "targets/web/url.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <curl/curl.h>
#include <memory>

namespace faultline::web {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)>;

/// A part of it as text; empty when it has none.
std::string part(const Url& url, CURLUPart what) {
  char* text = nullptr;
  if (::curl_url_get(url.get(), what, &text, 0) != CURLUE_OK) {
    return "";
  }
  const std::unique_ptr<char, decltype(&::curl_free)> owner(text, ::curl_free);
  return owner.get();
}

Error wrong(const std::string& what) {
  return {ErrorKind::usage,
          "url: expected http://ADDRESS:PORT/PATH or https://ADDRESS:PORT/PATH, " + what};
}

boost::asio::ip::address address_of(std::string_view host, boost::system::error_code& error) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  return boost::asio::ip::make_address(host, error);
}

bool is_among(const boost::asio::ip::address& address, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed, [&](const std::string& text) {
    boost::system::error_code no_address;
    return address_of(text, no_address) == address && !no_address;
  });
}

Result<> check_host(const Url& url, const std::vector<std::string>& allowed) {
  const auto host = part(url, CURLUPART_HOST);
  if (host == "localhost") {  // libcurl takes it for 127.0.0.1 and ::1 without asking anybody
    return {};
  }
  boost::system::error_code no_address;
  const auto address = address_of(host, no_address);
  if (no_address || !part(url, CURLUPART_ZONEID).empty()) {
    return wrong(fmt::format("found the host '{}': names are not looked up", host));
  }
  if (!address.is_loopback() && !is_among(address, allowed)) {
    return Error{
        ErrorKind::refused,
        fmt::format("{}: requests go to loopback only, unless this address is allowed", host)};
  }
  return {};
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

Result<std::string> checked_url(const std::string& text, const std::vector<std::string>& allowed) {
  if (text.find('\0') != std::string::npos) {
    return wrong("found a zero byte in it");
  }
  const Url url(::curl_url(), ::curl_url_cleanup);
  if (const auto code = ::curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
      code != CURLUE_OK) {
    return wrong(fmt::format("found one that is not: {}", ::curl_url_strerror(code)));
  }
  if (!part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty()) {
    return wrong("found a user in it; send credentials in the header Authorization");
  }
  const auto scheme = part(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return wrong(fmt::format("found the protocol '{}'", scheme));
  }
  if (const auto host = check_host(url, allowed); !host) {
    return host.error();
  }
  return part(url, CURLUPART_URL);
}

std::string form_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string form;
  for (const auto& [name, value] : fields) {
    form += (form.empty() ? "" : "&") + encoded(name) + '=' + encoded(value);
  }
  return form;
}

}  // namespace faultline::web
