#pragma once

#include "tests/net/loopback.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

/// HTTPS on loopback with certificates that are made on the spot.
namespace faultline::load::testing {

template <auto function>
struct Call {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};
template <class T, auto function>
using Owned = std::unique_ptr<T, Call<function>>;

/// A certificate that signs itself, so that whoever trusts it needs nobody else.
class Certificate {
 public:
  /// `names` as OpenSSL writes them: "DNS:shop.test,IP:127.0.0.1". It holds for a day from
  /// `valid_from`, which counts from now.
  explicit Certificate(const std::string& names, std::chrono::hours valid_from = {})
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    auto* x509 = certificate_.get();
    constexpr std::chrono::seconds day = std::chrono::hours(24);
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), std::chrono::seconds(valid_from).count() - 1);
    X509_gmtime_adj(X509_getm_notAfter(x509), (valid_from + day).count());
    const std::string common_name = "a test of the load generator";
    const void* raw = common_name.data();
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               static_cast<const unsigned char*>(raw), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_set_pubkey(x509, key_.get());
    const Owned<X509_EXTENSION, X509_EXTENSION_free> alternatives(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()));
    X509_add_ext(x509, alternatives.get(), -1);
    X509_sign(x509, key_.get(), EVP_sha256());
  }

  [[nodiscard]] std::string pem() const {
    const Owned<BIO, BIO_free> out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(out.get(), certificate_.get());
    std::string text(BIO_ctrl_pending(out.get()), '\0');
    BIO_read(out.get(), text.data(), static_cast<int>(text.size()));
    return text;
  }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }
  [[nodiscard]] X509* x509() const { return certificate_.get(); }

 private:
  Owned<EVP_PKEY, EVP_PKEY_free> key_;
  Owned<X509, X509_free> certificate_;
};

/// Answers every request with the same text, one connection after the other, until destroyed; with
/// `cut` it then closes the connection without a word of TLS.
class TlsServer {
 public:
  TlsServer(const Certificate& certificate, std::string answer, bool cut = false)
      : context_(SSL_CTX_new(TLS_server_method())), answer_(std::move(answer)), cut_(cut) {
    SSL_CTX_use_certificate(context_.get(), certificate.x509());
    SSL_CTX_use_PrivateKey(context_.get(), certificate.key());
    thread_ = std::thread([this] {
      while (!over_) {
        if (const auto socket = listener_.accept()) {
          serve(socket.get());
        }
      }
    });
  }
  ~TlsServer() {
    over_ = true;
    const auto knock = net::loopback_socket();
    const auto address = net::loopback(port());
    const void* raw = &address;
    ::connect(knock.get(), static_cast<const sockaddr*>(raw), sizeof address);
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_.at().port; }
  /// How many handshakes came to a good end.
  [[nodiscard]] int sessions() const { return sessions_; }

 private:
  void serve(int socket) {
    const Owned<SSL, SSL_free> session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), socket);
    if (over_ || SSL_accept(session.get()) != 1) {
      return;
    }
    ++sessions_;
    std::string request;
    std::array<char, 4096> chunk{};
    for (int got = 0; (got = SSL_read(session.get(), chunk.data(), chunk.size())) > 0;) {
      request.append(chunk.data(), static_cast<std::size_t>(got));
      if (request.ends_with("\r\n\r\n")) {
        request.clear();
        SSL_write(session.get(), answer_.data(), static_cast<int>(answer_.size()));
        if (cut_) {
          return;
        }
      }
    }
  }

  net::Listener listener_;
  Owned<SSL_CTX, SSL_CTX_free> context_;
  std::string answer_;
  bool cut_;
  std::atomic<int> sessions_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace faultline::load::testing
