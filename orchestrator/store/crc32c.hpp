#pragma once

#include <cstdint>
#include <string_view>

namespace faultline::store {

/// CRC-32C (Castagnoli, reflected, as in RFC 3720). `seed` is the checksum of what came before, so
/// that crc32c(b, crc32c(a)) is the checksum of a followed by b.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

/// The same, on processors without the instruction for it.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace faultline::store
