#include "targets/web/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faultline::web {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Url, LoopbackMayAlwaysBeAskedInWhateverSpelling) {
  for (const auto& [text, understood] : std::vector<std::pair<std::string, std::string>>{
           {"http://127.0.0.1:9090/api", "http://127.0.0.1:9090/api"},
           {"https://127.9.9.9:1/", "https://127.9.9.9:1/"},
           {"http://[::1]:9090/a?b=c", "http://[::1]:9090/a?b=c"},
           {"http://localhost:9090", "http://localhost:9090/"},
           {"HTTP://127.1:80/x", "http://127.0.0.1:80/x"},
           {"http://0x7f000001/", "http://127.0.0.1/"},
       }) {
    const auto url = checked_url(text, {});
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(*url, understood);
  }
}

TEST(Url, ElsewhereOnlyToAnAddressThatIsAllowed) {
  const auto far = checked_url("http://10.0.1.10:9090/", {});
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().kind, ErrorKind::refused);
  EXPECT_THAT(far.error().message, HasSubstr("10.0.1.10: requests go to loopback only"));

  EXPECT_TRUE(checked_url("http://10.0.1.10:9090/", {"10.0.0.1", "10.0.1.10"}));
  EXPECT_TRUE(checked_url("http://[fd00::1]:9090/", {"fd00:0::1"}));
  EXPECT_FALSE(checked_url("http://10.0.1.11:9090/", {"10.0.1.10"}));
  EXPECT_FALSE(checked_url("http://10.0.1.11:9090/", {"", "no address"}));
}

struct Wrong {
  std::string url;
  ErrorKind kind;
  std::string words;
};

class WrongUrl : public testing::TestWithParam<Wrong> {};

TEST_P(WrongUrl, IsRefusedBeforeAnythingIsSent) {
  const auto url = checked_url(GetParam().url, {});
  ASSERT_FALSE(url) << *url;
  EXPECT_EQ(url.error().kind, GetParam().kind) << url.error().message;
  EXPECT_THAT(url.error().message, HasSubstr(GetParam().words));
  EXPECT_THAT(url.error().message, Not(HasSubstr("secret")));
}

using enum ErrorKind;
INSTANTIATE_TEST_SUITE_P(
    Table, WrongUrl,
    testing::Values(Wrong{"", usage, "expected http://"}, Wrong{"9090", usage, "is not"},
                    Wrong{"http://", usage, "No host"},
                    Wrong{"http://127.0.0.1:99999/", usage, "Port"},
                    Wrong{"http://prometheus:9090/", usage, "names are not looked up"},
                    Wrong{"http://localhost.evil.org/", usage, "names are not looked up"},
                    Wrong{"http://LOCALHOST/", usage, "names are not looked up"},
                    Wrong{"ftp://127.0.0.1/", usage, "protocol 'ftp'"},
                    Wrong{"file:///etc/passwd", usage, "protocol 'file'"},
                    Wrong{"http://me:secret@127.0.0.1/", usage, "Authorization"},
                    Wrong{"http://127.0.0.1@10.0.0.1/", usage, "a user in it"},
                    Wrong{"http://127.0.0.1:80\r\nHost: x/", usage, "is not"},
                    Wrong{std::string("http://127.0.0.1\0.evil.org/", 28), usage, "zero byte"},
                    Wrong{"http://[fe80::1%25lo]/", usage, "names are not looked up"},
                    Wrong{"http://0.0.0.0:9090/", refused, "loopback only"},
                    Wrong{"http://[::ffff:127.0.0.1]/", refused, "loopback only"},
                    Wrong{"http://2130706434.0.0.1/", usage, "names are not looked up"},
                    Wrong{"http://192.0.2.1/", refused, "192.0.2.1"}));

TEST(Form, EncodesWhatWouldEndAField) {
  EXPECT_EQ(form_of({}), "");
  EXPECT_EQ(
      form_of({{"query", "sum(up{a=\"b&c\"}) > 1+1"}, {"time", "2026-11-20T12:00:00.000Z"}}),
      "query=sum%28up%7Ba%3D%22b%26c%22%7D%29%20%3E%201%2B1&time=2026-11-20T12%3A00%3A00.000Z");
  EXPECT_EQ(form_of({{"name", "caf\xC3\xA9"}}), "name=caf%C3%A9");
}

}  // namespace
}  // namespace faultline::web
