#include "targets/web/client.hpp"

#include "tests/net/loopback.hpp"
#include "tests/web/raw_server.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

/// The client against servers that behave, and against those that do not.
namespace faultline::web {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::RawServer;
using testing::Visitor;

const std::string hello =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

struct WebClientTest : ::testing::Test {
  boost::asio::io_context io{1};
  std::unique_ptr<Client> client = std::make_unique<Client>(io.get_executor());

  /// Sends, and runs the executor until the answer is there: it has nothing else to do.
  Result<Response> ask(const Request& request) {
    std::optional<Result<Response>> answer;
    client->send(request,
                 [&answer](Result<Response> result) { answer.emplace(std::move(result)); });
    EXPECT_FALSE(answer) << "called from inside send";
    io.restart();
    io.run();
    return answer ? std::move(*answer) : Error{ErrorKind::io, "nothing was called"};
  }
};

TEST_F(WebClientTest, GetsWithHeadersAndPostsForms) {
  std::vector<std::string> seen;
  RawServer server([&seen](Visitor& visitor) {
    for (auto request = visitor.request(); !request.empty(); request = visitor.request()) {
      seen.push_back(request);
      visitor.say(hello);
    }
  });
  const auto got = ask({.url = server.url("/a"), .headers = {{"Authorization", "Bearer x"}}});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->content_type, "text/plain");
  EXPECT_EQ(got->body, "hello");
  ASSERT_TRUE(ask({.url = server.url("/b"), .form = "query=up"}));
  ASSERT_TRUE(ask({.url = server.url("/c"), .headers = {{"X-Empty", ""}}, .form = ""}));

  ASSERT_EQ(seen.size(), 3u);
  EXPECT_THAT(seen[0], HasSubstr("GET /a HTTP/1.1\r\n"));
  EXPECT_THAT(seen[0], HasSubstr("Authorization: Bearer x\r\n"));
  EXPECT_THAT(seen[1], HasSubstr("POST /b HTTP/1.1\r\n"));
  EXPECT_THAT(seen[1], HasSubstr("application/x-www-form-urlencoded\r\n\r\nquery=up"));
  EXPECT_THAT(seen[2], HasSubstr("X-Empty:\r\n"));
  EXPECT_EQ(server.connections(), 1) << "a connection is kept";
}

TEST_F(WebClientTest, EveryStatusIsAnAnswerAndNoRedirectIsFollowed) {
  RawServer elsewhere([](Visitor& visitor) { visitor.wait_until_gone(); });
  RawServer server([&elsewhere](Visitor& visitor) {
    visitor.request();
    visitor.say("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() +
                "\r\nContent-Length: 0\r\n\r\n");
  });
  const auto answer = ask({.url = server.url()});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST_F(WebClientTest, ProxyOfTheEnvironmentIsNotAsked) {
  RawServer proxy([](Visitor& visitor) { visitor.wait_until_gone(); });
  RawServer server([](Visitor& visitor) {
    visitor.request();
    visitor.say(hello);
  });
  for (const auto* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) {
    ::setenv(name, proxy.url().c_str(), 1);
  }
  const auto answer = ask({.url = server.url()});
  for (const auto* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) {
    ::unsetenv(name);
  }
  EXPECT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(proxy.connections(), 0);
}

TEST_F(WebClientTest, RequestThatMayNotBeSentReachesNobody) {
  RawServer server([](Visitor& visitor) { visitor.wait_until_gone(); });
  const auto far = ask({.url = "http://192.0.2.1:9090/"});
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().kind, ErrorKind::refused);
  for (const std::string value : {"a\r\nHost: b", "a\nb"}) {
    const auto split = ask({.url = server.url(), .headers = {{"X", value}}});
    ASSERT_FALSE(split);
    EXPECT_EQ(split.error().kind, ErrorKind::usage);
  }
  EXPECT_EQ(server.connections(), 0);
}

struct Trouble {
  std::string name;
  RawServer::Talk talk;
  ErrorKind kind;
  std::string words;
};
void PrintTo(const Trouble& trouble, std::ostream* out) {
  *out << trouble.name;
}

class WebClientTrouble : public WebClientTest, public ::testing::WithParamInterface<Trouble> {};

TEST_P(WebClientTrouble, IsAnErrorOfItsKindInTime) {
  RawServer server(GetParam().talk);
  const auto begun = std::chrono::steady_clock::now();
  const auto answer = ask({.url = server.url("/here"), .limit = 300ms});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, GetParam().kind) << answer.error().message;
  EXPECT_THAT(answer.error().message, HasSubstr(server.url("/here")));
  EXPECT_THAT(answer.error().message, HasSubstr(GetParam().words));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

const std::vector<Trouble> troubles{
    {"says_nothing", [](Visitor& visitor) { visitor.wait_until_gone(); }, ErrorKind::timeout,
     "no whole answer within 300 ms"},
    {"trickles_headers",
     [](Visitor& visitor) {
       visitor.say("HTTP/1.1 200 OK\r\nX: ");
       visitor.trickle("x");
     },
     ErrorKind::timeout, "no whole answer within 300 ms"},
    {"trickles_its_body",
     [](Visitor& visitor) {
       visitor.say("HTTP/1.1 200 OK\r\n\r\n");
       visitor.trickle("x");
     },
     ErrorKind::timeout, "no whole answer within 300 ms"},
    {"closes_at_once", [](Visitor&) {}, ErrorKind::io, ""},
    {"closes_after_the_request", [](Visitor& visitor) { visitor.request(); }, ErrorKind::io,
     "Empty reply"},
    {"resets",
     [](Visitor& visitor) {
       visitor.request();
       visitor.reset();
     },
     ErrorKind::io, "reset by peer"},
    {"closes_in_its_headers",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("HTTP/1.1 200 OK\r\nContent-Le");
     },
     ErrorKind::io, "in the middle of the headers"},
    {"closes_in_its_body",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
     },
     ErrorKind::io, "97 bytes remaining"},
    {"closes_in_a_chunk",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc");
     },
     ErrorKind::io, ""},
};
INSTANTIATE_TEST_SUITE_P(Table, WebClientTrouble, ::testing::ValuesIn(troubles),
                         [](const auto& of) { return of.param.name; });

const std::vector<Trouble> nonsense{
    {"speaks_something_else",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("+OK dovecot ready\r\n");
     },
     ErrorKind::io, "HTTP/0.9"},
    {"sends_nonsense_for_a_length",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n");
     },
     ErrorKind::io, "Content-Length"},
    {"never_ends_its_body",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("HTTP/1.1 200 OK\r\n\r\n");
       while (visitor.say(std::string(1u << 20, 'x'))) {
       }
     },
     ErrorKind::refused, "more than 4 MiB"},
    {"never_ends_its_headers",
     [](Visitor& visitor) {
       visitor.request();
       visitor.say("HTTP/1.1 200 OK\r\n");
       while (visitor.say("X: " + std::string(1'000, 'x') + "\r\n")) {
       }
     },
     ErrorKind::refused, "more than 64 KiB of headers"},
};
INSTANTIATE_TEST_SUITE_P(Nonsense, WebClientTrouble, ::testing::ValuesIn(nonsense),
                         [](const auto& of) { return of.param.name; });

TEST_F(WebClientTest, NobodyListensOrAnswersTheDoor) {
  const auto refused = ask({.url = "http://" + net::to_string(net::free_port())});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::io);
  EXPECT_THAT(refused.error().message, HasSubstr("Connection refused"));

  const net::DeafListener deaf;
  const auto deafness = ask({.url = "http://" + net::to_string(deaf.at()), .limit = 200ms});
  ASSERT_FALSE(deafness);
  EXPECT_EQ(deafness.error().kind, ErrorKind::timeout);
}

TEST_F(WebClientTest, TlsIsNotSpokenToWhoSpeaksNone) {
  RawServer server([](Visitor& visitor) { visitor.say(hello); });
  const auto answer = ask({.url = "https" + server.url().substr(4), .limit = 1s});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::io);
}

TEST_F(WebClientTest, ConnectionThatWasClosedInTheMeantimeIsOpenedAgain) {
  RawServer server([](Visitor& visitor) {
    visitor.request();
    visitor.say(hello);  // keeps quiet about closing
  });
  for (int i = 0; i < 3; ++i) {
    const auto answer = ask({.url = server.url(), .form = "query=up"});
    ASSERT_TRUE(answer) << answer.error().message;
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(WebClientTest, EachOfManyRequestsEndsInItsOwnTimeAndOneTooManyIsRefused) {
  RawServer server([](Visitor& visitor) { visitor.wait_until_gone(); });
  int timeouts = 0, refused = 0;
  for (std::size_t i = 0; i <= max_requests; ++i) {
    client->send({.url = server.url(), .limit = 300ms}, [&](const Result<Response>& answer) {
      ASSERT_FALSE(answer);
      timeouts += answer.error().kind == ErrorKind::timeout ? 1 : 0;
      refused += answer.error().kind == ErrorKind::refused ? 1 : 0;
    });
  }
  const auto begun = std::chrono::steady_clock::now();
  io.run();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s) << "they wait for each other";
  EXPECT_EQ(timeouts, static_cast<int>(max_requests));
  EXPECT_EQ(refused, 1);
  EXPECT_LT(server.connections(), static_cast<int>(max_requests)) << "most never had a turn";
}

TEST_F(WebClientTest, NothingIsCalledOnceItIsDestroyed) {
  std::atomic<bool> asked = false;
  RawServer server([&asked](Visitor& visitor) {
    visitor.request();
    asked = true;
    visitor.wait_until_gone();
  });
  const auto held = std::make_shared<int>();
  bool called = false;
  client->send({.url = server.url(), .limit = 1h},
               [&called, held](const Result<Response>&) { called = true; });
  client->send({.url = "http://192.0.2.1/"}, [&called](const Result<Response>&) { called = true; });
  while (!asked) {
    std::this_thread::yield();
  }
  client.reset();
  io.run();  // ends: nobody waits for anything
  EXPECT_FALSE(called);
  EXPECT_EQ(held.use_count(), 1) << "what the callback held is let go";
  while (server.open() > 0) {  // the server sees it go
    std::this_thread::yield();
  }
}

TEST_F(WebClientTest, MayBeDestroyedByItsOwnAnswer) {
  RawServer server([](Visitor& visitor) {
    visitor.request();
    visitor.say(hello);
  });
  bool called = false;
  client->send({.url = server.url()}, [&](const Result<Response>& answer) {
    called = answer.has_value();
    client.reset();
  });
  io.run();
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace faultline::web
