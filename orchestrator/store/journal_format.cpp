#include "orchestrator/store/journal_format.hpp"

#include "orchestrator/store/crc32c.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace faultline::store {
namespace {

constexpr std::string_view mark =
    "\xFF"
    "FLR";
constexpr std::size_t frame_bytes = 12;  // mark, length, checksum
constexpr std::size_t head_bytes = 5;    // kind and the lengths of what follows
constexpr std::size_t max_id_bytes = 0xFF;
constexpr std::size_t max_lasting_bytes = 0xFFFF;
constexpr std::size_t max_body_bytes =
    head_bytes + 2 * max_id_bytes + max_lasting_bytes + max_text_bytes;
constexpr std::size_t window_bytes = 8 << 20;  // several of the longest records
constexpr std::size_t max_damage_told = 100;   // nobody reads more

constexpr std::array<std::string_view, 8> kinds{"note",     "intended", "applied",  "reverting",
                                                "reverted", "closed",   "accepted", "lasting"};

RecordKind kind_of(std::string_view type) {
  const auto* found = std::ranges::find(kinds, type);
  return found == kinds.end() ? RecordKind::note
                              : static_cast<RecordKind>(std::distance(kinds.begin(), found));
}

void put(std::string& out, std::size_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
}

std::size_t get(std::string_view in, std::size_t at, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = (value << 8) | static_cast<unsigned char>(in[at + i]);
  }
  return value;
}

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string string_in(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string lasting_of(const Json& record, RecordKind kind) {
  Json lasting = Json::object();
  if (kind == RecordKind::intended || kind == RecordKind::lasting) {
    for (const auto* key : {"epoch", "may_move"}) {
      if (const auto found = record.find(key); found != record.end()) {
        lasting[key] = *found;
      }
    }
  }
  return lasting.empty() ? std::string() : text_of(lasting);
}

/// Where the next mark is, or may begin, after the first byte.
std::size_t next_mark(std::string_view bytes) {
  std::size_t from = 1;
  for (; from < bytes.size(); ++from) {
    const auto* found = static_cast<const char*>(
        std::memchr(bytes.data() + from, mark.front(), bytes.size() - from));
    if (found == nullptr) {
      break;
    }
    from = static_cast<std::size_t>(found - bytes.data());
    if (bytes.substr(from).starts_with(mark)) {
      return from;
    }
  }
  return std::max<std::size_t>(1, bytes.size() - std::min(bytes.size(), mark.size() - 1));
}

/// A source seen through a window that always holds the whole of the longest record. It is as large
/// as the source, up to its limit.
class Window {
 public:
  explicit Window(const Source& source) : source_(source) {}

  /// What is ahead: at least the longest record, or all that is left.
  Result<std::string_view> ahead() {
    if (end_ - from_ < frame_bytes + max_body_bytes && !drained_) {
      std::memmove(buffer_.get(), buffer_.get() + from_, end_ - from_);
      end_ -= std::exchange(from_, 0);
      while (end_ < window_bytes && !drained_) {
        if (end_ == size_) {
          grow();
        }
        const auto got = source_(buffer_.get() + end_, size_ - end_);
        if (!got) {
          return got.error();
        }
        end_ += *got;
        drained_ = *got == 0;
      }
    }
    return std::string_view(buffer_.get() + from_, end_ - from_);
  }
  void skip(std::size_t bytes) {
    from_ += bytes;
    offset_ += bytes;
  }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  void grow() {
    size_ = std::min(window_bytes, size_ * 4);
    auto larger = std::make_unique_for_overwrite<char[]>(size_);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
  }

  const Source& source_;
  std::size_t size_ = 16 << 10;  // most journals
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(size_);
  std::size_t from_ = 0, end_ = 0;
  std::uint64_t offset_ = 0;
  bool drained_ = false;
};

Error not_ours(const std::string& name, std::string_view beginning) {
  const bool other_version =
      beginning.size() == magic.size() && beginning.starts_with("FLJRNL") && beginning[7] == '\n';
  if (other_version && beginning[6] < magic[6]) {
    return {ErrorKind::io,
            fmt::format("journal {}: written by an older faultline (format {}, this one reads {}); "
                        "put back what it holds with `faultline recover` of that version, then "
                        "remove it",
                        name, beginning[6], magic[6])};
  }
  return {
      ErrorKind::io,
      fmt::format("journal {}: expected a faultline journal, version {}, found "
                  "{}; move it away after checking what it is",
                  name, magic[6], other_version ? "one of a newer faultline" : "something else")};
}

void add_damage(Scanned& scanned, std::uint64_t from, std::uint64_t to) {
  if (scanned.damage.size() == max_damage_told) {
    scanned.damage.back().bytes = to - scanned.damage.back().offset;
  } else {
    scanned.damage.push_back({from, to - from, scanned.records});  // before it, for the moment
  }
}

/// The frame of a record, with as many bytes behind it as it says: a tear leaves less.
bool as_long_as_it_says(std::string_view bytes) {
  if (bytes.size() < frame_bytes || !bytes.starts_with(mark)) {
    return false;
  }
  const auto length = get(bytes, 4, 4);
  return length >= head_bytes && length <= max_body_bytes && bytes.size() - frame_bytes >= length;
}

}  // namespace

std::optional<std::string> encode(const Json& record) {
  const auto kind = record.is_object() ? kind_of(string_in(record, "type")) : RecordKind::note;
  const auto fault = record.is_object() ? string_in(record, "fault") : std::string();
  const auto run = record.is_object() ? string_in(record, "run") : std::string();
  const auto lasting = lasting_of(record, kind);
  const auto text = text_of(record);
  if (fault.size() > max_id_bytes || run.size() > max_id_bytes ||
      lasting.size() > max_lasting_bytes || text.size() > max_text_bytes) {
    return std::nullopt;
  }
  const auto body = head_bytes + fault.size() + run.size() + lasting.size() + text.size();
  std::string out(mark);
  out.reserve(frame_bytes + body);
  put(out, body, 4);
  put(out, 0, 4);  // the checksum, when the rest is known
  put(out, static_cast<std::size_t>(kind), 1);
  put(out, fault.size(), 1);
  put(out, run.size(), 1);
  put(out, lasting.size(), 2);
  out.append(fault).append(run).append(lasting).append(text);
  const std::string_view all = out;
  std::string sum;
  put(sum, crc32c(all.substr(frame_bytes), crc32c(all.substr(4, 4))), 4);
  return out.replace(8, 4, sum);
}

std::optional<Entry> decode(std::string_view bytes) {
  if (!as_long_as_it_says(bytes)) {
    return std::nullopt;
  }
  bytes = bytes.substr(0, frame_bytes + get(bytes, 4, 4));
  auto body = bytes.substr(frame_bytes);
  if (crc32c(body, crc32c(bytes.substr(4, 4))) != get(bytes, 8, 4)) {
    return std::nullopt;
  }
  const auto kind = get(body, 0, 1);
  const std::array sizes{get(body, 1, 1), get(body, 2, 1), get(body, 3, 2)};
  body.remove_prefix(head_bytes);
  if (kind >= kinds.size() || sizes[0] + sizes[1] + sizes[2] > body.size()) {
    return std::nullopt;
  }
  const auto take = [&body](std::size_t size) {
    const auto taken = body.substr(0, size);
    body.remove_prefix(size);
    return taken;
  };
  Entry entry{.kind = static_cast<RecordKind>(kind),
              .fault = take(sizes[0]),
              .run = take(sizes[1]),
              .lasting = take(sizes[2]),
              .text = {},
              .bytes = bytes};
  entry.text = body;
  return entry;
}

Source source_of(std::string_view bytes) {
  return [bytes](char* into, std::size_t size) mutable -> Result<std::size_t> {
    const auto n = bytes.copy(into, size);
    bytes.remove_prefix(n);
    return n;
  };
}

Result<Scanned> scan(const std::string& name, const Source& source,
                     const std::function<Result<>(const Entry&)>& visit) {
  Window window(source);
  Scanned scanned;
  std::string beginning;
  bool lost = false;  // between records, looking for the next
  bool torn = false;  // as far as the beginning of what was lost shows
  for (;;) {
    const auto ahead = window.ahead();
    if (!ahead) {
      return ahead.error();
    }
    if (window.offset() == 0) {
      beginning = ahead->substr(0, magic.size());
      if (beginning == magic) {
        window.skip(magic.size());
        scanned.end = magic.size();
        continue;
      }
    }
    if (ahead->empty()) {
      break;
    }
    const auto entry = decode(*ahead);
    if (!entry) {
      torn = lost ? torn : !as_long_as_it_says(*ahead);
      lost = true;
      window.skip(next_mark(*ahead));
      continue;
    }
    if (std::exchange(lost, false)) {
      add_damage(scanned, scanned.end, window.offset());
    }
    if (const auto visited = visit(*entry); !visited) {
      return visited.error();
    }
    ++scanned.records;
    window.skip(entry->bytes.size());
    scanned.end = window.offset();
  }
  if (lost && !torn) {
    add_damage(scanned, scanned.end, window.offset());
    scanned.end = window.offset();
  }
  scanned.torn_bytes = window.offset() - scanned.end;
  if (scanned.end == 0 && !magic.starts_with(beginning)) {
    return not_ours(name, beginning);
  }
  for (auto& damage : scanned.damage) {
    damage.records_after = scanned.records - damage.records_after;
  }
  return scanned;
}

}  // namespace faultline::store
