#include "orchestrator/load/tls.hpp"

#include "orchestrator/load/network_error.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace faultline::load {
namespace {

bool is_address(const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  return !error;
}

std::string verification_class(long result) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "tls certificate expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "tls certificate not yet valid";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "tls name mismatch";
    case X509_V_ERR_CERT_REVOKED:
      return "tls certificate revoked";
    default:
      return "tls untrusted";
  }
}

/// How many certificates of the PEM text it trusts from now on.
int trust(ssl_ctx_st* context, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&::BIO_free)> text(
      ::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &::BIO_free);
  int count = 0;
  while (auto* certificate = ::PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    count += ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), certificate);
    ::X509_free(certificate);
  }
  ::ERR_clear_error();  // that of the end of the text
  return count;
}

}  // namespace

void TlsClient::Free::operator()(ssl_ctx_st* context) const {
  ::SSL_CTX_free(context);
}

void TlsClient::Free::operator()(ssl_st* session) const {
  ::SSL_free(session);
}

Result<TlsClient> TlsClient::make(const std::string& name, const std::string& ca) {
  TlsClient client;
  client.name_ = name;
  client.context_.reset(::SSL_CTX_new(::TLS_client_method()));
  auto* context = client.context_.get();
  if (context == nullptr) {
    return Error{ErrorKind::io, "tls: OpenSSL gives no context"};
  }
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (ca.empty()) {
    ::SSL_CTX_set_default_verify_paths(context);
  } else if (trust(context, ca) == 0) {
    return Error{ErrorKind::usage, "tls: expected certificates to trust in PEM, found none"};
  }
  return client;
}

TlsClient::Session TlsClient::begin(int socket) const {
  Session session(::SSL_new(context_.get()));
  if (!session || ::SSL_set_fd(session.get(), socket) != 1) {
    return nullptr;
  }
  auto* parameters = ::SSL_get0_param(session.get());
  if (is_address(name_)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(parameters, name_.c_str());
  } else {
    ::X509_VERIFY_PARAM_set1_host(parameters, name_.data(), name_.size());
    // What SSL_set_tlsext_host_name does, without its C cast.
    ::SSL_ctrl(session.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(name_.c_str()));
  }
  ::SSL_set_connect_state(session.get());
  return session;
}

std::string tls_error_class(ssl_st* session, int ssl_error, int system_error) {
  const long verified = ::SSL_get_verify_result(session);
  const auto reason = ::ERR_GET_REASON(::ERR_peek_last_error());
  ::ERR_clear_error();
  if (verified != X509_V_OK) {
    return verification_class(verified);
  }
  if (ssl_error == SSL_ERROR_ZERO_RETURN || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return "closed early";
  }
  if (ssl_error == SSL_ERROR_SYSCALL) {
    return system_error == 0 ? "closed early"
                             : error_class({system_error, boost::system::system_category()}, false);
  }
  return "tls failed";
}

}  // namespace faultline::load
