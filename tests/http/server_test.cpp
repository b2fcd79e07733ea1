#include "targets/http/server.hpp"

#include "tests/net/loopback.hpp"

#include <gmock/gmock.h>
#include <httplib.h>

namespace faultline::http {
namespace {

using testing::HasSubstr;

TEST(HttpServer, AnswersItsRoutesAndKnowsJsonFromText) {
  const auto at = net::free_port();
  Server server{Size{}};
  server.get(R"(/shelf/([^/]+))", [](const httplib::Request& request) {
    return Answer{200, R"({"shelf":")" + request.matches[1].str() + "\"}", {{"X-Node", "a"}}};
  });
  server.get("/metrics", [](const auto&) { return Answer{200, "up 1\n"}; });
  server.post("/order", [](const auto& request) { return Answer{409, request.body}; });
  ASSERT_TRUE(server.start(at));

  httplib::Client client(at.address, at.port);
  const auto shelf = client.Get("/shelf/7");
  EXPECT_EQ(shelf->body, R"({"shelf":"7"})");
  EXPECT_EQ(shelf->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(shelf->get_header_value("X-Node"), "a");
  EXPECT_EQ(client.Get("/metrics")->get_header_value("Content-Type"), "text/plain; version=0.0.4");
  EXPECT_EQ(client.Post("/order", "taken", "text/plain")->status, 409);
  EXPECT_EQ(client.Get("/nothing")->status, 404);
}

TEST(HttpServer, SecondOnAnAddressIsRefusedAndTakesItWhenTheFirstHasStopped) {
  const auto at = net::free_port();
  Server first{Size{}}, second{Size{}};
  ASSERT_TRUE(first.start(at));
  const auto refused = second.start(at);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot listen on " + net::to_string(at)));
  first.stop();
  first.stop();
  Server third{Size{}};
  EXPECT_TRUE(third.start(at));
}

}  // namespace
}  // namespace faultline::http
