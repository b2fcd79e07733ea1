// The public HdrHistogram V2 format: numbers are big-endian, counts are ZigZag LEB128 of at most 9
// bytes, and a run of n empty buckets is the number -n.
#include "orchestrator/slo/histogram.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <limits>
#include <optional>
#include <zlib.h>

namespace faultline::slo {
namespace {

constexpr std::uint32_t payload_cookie = 0x1c849303 | 0x10;
constexpr std::uint32_t deflated_cookie = 0x1c849304 | 0x10;
constexpr std::uint32_t index_offset = 0, digits = 3;
constexpr std::uint64_t lowest_us = 1;
constexpr double ratio = 1.0;
constexpr std::size_t payload_header_bytes = 40, deflated_header_bytes = 8;
constexpr int max_count_bytes = 9;
/// The largest text that is looked at; 23,221 counts of 9 bytes in base64 are 280 kB.
constexpr std::size_t max_text_bytes = 512 * 1024;

Error unreadable(std::string_view found) {
  return {ErrorKind::usage,
          fmt::format("expected a histogram in the HdrHistogram V2 format, in base64 and with 3 "
                      "significant digits from 1 us; found {}",
                      found)};
}

template <class Number>
void put(std::string& out, Number number) {
  for (int shift = (static_cast<int>(sizeof number) - 1) * 8; shift >= 0; shift -= 8) {
    out += static_cast<char>((number >> shift) & 0xFF);
  }
}

/// Takes a number from the front; the caller has checked that there is one.
template <class Number>
Number take(std::string_view& in) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = (number << 8) | static_cast<unsigned char>(in[i]);
  }
  in.remove_prefix(sizeof number);
  return number;
}

void put_count(std::string& out, std::int64_t count) {
  auto rest = (static_cast<std::uint64_t>(count) << 1) ^ static_cast<std::uint64_t>(count >> 63);
  for (int bytes = 1; rest >= 0x80 && bytes < max_count_bytes; ++bytes) {
    out += static_cast<char>((rest & 0x7F) | 0x80);
    rest >>= 7;
  }
  out += static_cast<char>(rest);  // the ninth byte carries 8 bits
}

std::optional<std::int64_t> take_count(std::string_view& in) {
  std::uint64_t zigzag = 0;
  for (int i = 0; i < max_count_bytes; ++i) {
    if (in.empty()) {
      return std::nullopt;
    }
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    const bool last = byte < 0x80 || i == max_count_bytes - 1;
    const std::uint64_t bits = i == max_count_bytes - 1 ? byte : byte & 0x7F;
    zigzag |= bits << (7 * i);
    if (last) {
      break;
    }
  }
  return static_cast<std::int64_t>((zigzag >> 1) ^ (~(zigzag & 1) + 1));
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string to_base64(const std::string& raw) {
  std::string text((raw.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a 0
  text.resize(static_cast<std::size_t>(
      EVP_EncodeBlock(bytes(text), bytes(raw), static_cast<int>(raw.size()))));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > max_text_bytes) {
    return std::nullopt;
  }
  std::string raw(text.size() / 4 * 3, '\0');
  const int written = EVP_DecodeBlock(bytes(raw), bytes(text), static_cast<int>(text.size()));
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (written < static_cast<int>(padding)) {
    return std::nullopt;
  }
  raw.resize(static_cast<std::size_t>(written) - padding);
  return raw;
}

std::string deflated(const std::string& payload) {
  auto size = compressBound(payload.size());
  std::string out(size, '\0');
  compress(bytes(out), &size, bytes(payload), payload.size());  // cannot fail: the bound is kept
  out.resize(size);
  return out;
}

std::optional<std::string> inflated(std::string_view packed) {
  std::string out(max_text_bytes, '\0');
  uLongf size = out.size();
  if (uncompress(bytes(out), &size, bytes(packed), packed.size()) != Z_OK) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

/// The counts of a payload, its header checked and taken off.
Result<std::string_view> counts_of(std::string_view payload) {
  if (payload.size() < payload_header_bytes || take<std::uint32_t>(payload) != payload_cookie) {
    return unreadable("another encoding inside");
  }
  const auto length = take<std::uint32_t>(payload);
  const auto offset = take<std::uint32_t>(payload);
  const auto found_digits = take<std::uint32_t>(payload);
  const auto lowest = take<std::uint64_t>(payload);
  take<std::uint64_t>(payload);  // the highest value does not change what the buckets mean
  const auto found_ratio = std::bit_cast<double>(take<std::uint64_t>(payload));
  if (found_digits != digits || lowest != lowest_us || offset != index_offset ||
      found_ratio != ratio) {
    return unreadable(fmt::format("{} digits from {}, offset {}, ratio {}", found_digits, lowest,
                                  offset, found_ratio));
  }
  if (length != payload.size()) {
    return unreadable(fmt::format("{} bytes of counts instead of {}", payload.size(), length));
  }
  return payload;
}

}  // namespace

std::string Histogram::encode() const {
  std::string counts;
  const auto end = total_ == 0 ? 1 : slot_of(max_us()) + 1;
  for (std::size_t slot = 0; slot < end;) {
    auto next = slot + 1;
    while (counts_[slot] == 0 && next < end && counts_[next] == 0) {
      ++next;
    }
    const auto run = static_cast<std::int64_t>(next - slot);
    put_count(counts, run > 1 ? -run : static_cast<std::int64_t>(counts_[slot]));
    slot = next;
  }
  std::string payload;
  put(payload, payload_cookie);
  put(payload, static_cast<std::uint32_t>(counts.size()));
  put(payload, index_offset);
  put(payload, digits);
  put(payload, lowest_us);
  put(payload, static_cast<std::uint64_t>(highest_us));
  put(payload, std::bit_cast<std::uint64_t>(ratio));
  payload += counts;

  const auto packed = deflated(payload);
  std::string raw;
  put(raw, deflated_cookie);
  put(raw, static_cast<std::uint32_t>(packed.size()));
  return to_base64(raw + packed);
}

Result<void> Histogram::read_counts(std::string_view counts) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::size_t slot = 0;
  while (!counts.empty()) {
    const auto count = take_count(counts);
    if (!count) {
      return unreadable("a count that is cut off");
    }
    const auto number = static_cast<std::uint64_t>(*count);
    const std::uint64_t run = *count < 0 ? ~number + 1 : 1;
    if (run > counts_.size() - slot) {
      return unreadable("values above 1 h");
    }
    if (*count > 0) {
      if (number > most - total_) {
        return unreadable("more than 2^63 values");
      }
      counts_[slot] = number;
      total_ += number;
    }
    slot += run;
  }
  return {};
}

Result<Histogram> Histogram::decode(std::string_view text) {
  const auto raw = from_base64(text);
  if (!raw) {
    return unreadable(fmt::format("{} bytes that are not base64", text.size()));
  }
  std::string_view packed = *raw;
  if (packed.size() < deflated_header_bytes || take<std::uint32_t>(packed) != deflated_cookie) {
    return unreadable("another encoding");
  }
  const auto length = take<std::uint32_t>(packed);
  if (length != packed.size()) {
    return unreadable(fmt::format("{} deflated bytes instead of {}", packed.size(), length));
  }
  const auto payload = inflated(packed);
  if (!payload) {
    return unreadable("bytes that zlib cannot inflate");
  }
  const auto counts = counts_of(*payload);
  if (!counts) {
    return counts.error();
  }
  Histogram histogram;
  if (const auto read = histogram.read_counts(*counts); !read) {
    return read.error();
  }
  return histogram;
}

}  // namespace faultline::slo
