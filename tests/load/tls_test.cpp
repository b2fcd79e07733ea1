#include "tests/load/measured.hpp"
#include "tests/load/tls_server.hpp"

/// HTTPS is verified: who it is, until when, and who says so.
namespace {

constexpr auto yesterday = -25h;  // a certificate of a day is over since an hour

Json args(const std::string& name, const std::string& ca) {
  // One connection at a time, because the server serves them so.
  return {{"connections", 1}, {"tls", {{"name", name}, {"ca", ca}}}};
}

Told load(const TlsServer& server, const Json& args) {
  return run_for(200ms, http_load(server.port(), 50, args));
}

std::string only_error(const Told& told) {
  const auto errors = told.errors();
  return errors.size() == 1 && told.samples.size() > 3 ? errors.begin()->first : "several, or none";
}

}  // namespace

TEST(Tls, AServiceWhoseCertificateIsRightIsServedOverOneSession) {
  const Certificate certificate("DNS:shop.test,IP:127.0.0.1");
  const std::string page(100'000, 'x');  // several records
  TlsServer server(certificate, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + page);
  for (const auto* name : {"shop.test", "127.0.0.1"}) {
    auto asked = args(name, certificate.pem());
    asked["expect"] = {{"min_bytes", 100'000}};
    EXPECT_EQ(only_error(load(server, asked)), "good") << name;
  }
  EXPECT_EQ(server.sessions(), 2);
}

TEST(Tls, ANameThatTheCertificateIsNotForIsAMismatch) {
  const Certificate certificate("DNS:shop.test");
  TlsServer server(certificate, http_answer("200 OK"));
  EXPECT_EQ(only_error(load(server, args("pay.test", certificate.pem()))), "tls name mismatch");
  EXPECT_EQ(only_error(load(server, args("127.0.0.1", certificate.pem()))), "tls name mismatch");
}

TEST(Tls, ACertificateOutsideOfItsTimeIsNamed) {
  const Certificate over("DNS:shop.test", yesterday), not_yet("DNS:shop.test", 1h);
  TlsServer old_server(over, http_answer("200 OK")), early_server(not_yet, http_answer("200 OK"));
  EXPECT_EQ(only_error(load(old_server, args("shop.test", over.pem()))), "tls certificate expired");
  EXPECT_EQ(only_error(load(early_server, args("shop.test", not_yet.pem()))),
            "tls certificate not yet valid");
}

TEST(Tls, ACertificateOfNobodyKnownIsUntrusted) {
  const Certificate certificate("DNS:shop.test"), other("DNS:shop.test");
  TlsServer server(certificate, http_answer("200 OK"));
  EXPECT_EQ(only_error(load(server, args("shop.test", other.pem()))), "tls untrusted");
  EXPECT_EQ(only_error(load(server, args("shop.test", ""))), "tls untrusted");
}

TEST(Tls, AnAnswerThatSomebodyMayHaveCutOffIsNotWhole) {
  const Certificate certificate("DNS:shop.test");
  TlsServer server(certificate, "HTTP/1.1 200 OK\r\n\r\nhalf of", true);
  EXPECT_EQ(only_error(load(server, args("shop.test", certificate.pem()))), "closed early");
}

TEST(Tls, AServiceThatSpeaksNoneHasFailedAtIt) {
  Server plain(http_framing, [](auto, const auto&) { return Answer{http_answer("200 OK")}; });
  Server garbage([](const std::string& input) { return input.size(); },
                 [](auto, const auto&) { return Answer{"HTTP/1.1 400 Bad Request\r\n\r\n"}; });
  EXPECT_EQ(only_error(run_for(200ms, http_load(garbage.port(), 50, args("shop.test", "")))),
            "tls failed");
  auto silent = http_load(plain.port(), 50, args("shop.test", ""));
  silent["deadline_ms"] = 100;
  silent["args"]["connections"] = 100;
  EXPECT_EQ(only_error(run_for(200ms, silent)), "connect timeout");
}

TEST(Tls, AnAuthorityThatIsNoCertificateIsRefused) {
  EXPECT_THAT(LoadRun(http_load(443, 1, args("shop.test", "no PEM")).dump()).for_time(0ms).error,
              HasSubstr("expected certificates to trust in PEM, found none"));
}
