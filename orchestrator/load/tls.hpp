#pragma once

#include "targets/error.hpp"

#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

/// HTTPS as a careful client speaks it: TLS 1.2 or newer, the certificate and its name verified.
namespace faultline::load {

/// What all connections of a probe share; outlives them.
class TlsClient {
 public:
  /// `name`: a host name or an address that the certificate must be for. `ca`: certificates in PEM,
  /// whom to trust instead of the system's authorities; may be empty. Error `usage`: it holds none.
  static Result<TlsClient> make(const std::string& name, const std::string& ca);

  struct Free {
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_st* session) const;
  };
  using Session = std::unique_ptr<ssl_st, Free>;
  /// A session over a connected, non-blocking socket that stays the caller's; nullptr: out of
  /// memory.
  [[nodiscard]] Session begin(int socket) const;

 private:
  std::string name_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

/// Names the class of a failed handshake, read or write: "tls certificate expired", "tls name
/// mismatch", "tls untrusted", "tls failed", or what network_error.hpp calls the socket's own
/// failure.
std::string tls_error_class(ssl_st* session, int ssl_error, int system_error);

}  // namespace faultline::load
