#include "orchestrator/store/crc32c.hpp"

#include <gtest/gtest.h>

#include <string>

namespace faultline::store {
namespace {

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(Crc32c, ContinuesFromWhatCameBefore) {
  EXPECT_EQ(crc32c("56789", crc32c("1234")), crc32c("123456789"));
}

TEST(Crc32c, TheInstructionAndTheTableAgreeOnEveryLength) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(crc32c(bytes, 7), crc32c_by_table(bytes, 7)) << bytes.size() << " bytes";
    bytes.push_back(static_cast<char>(37 * i));
  }
}

}  // namespace
}  // namespace faultline::store
