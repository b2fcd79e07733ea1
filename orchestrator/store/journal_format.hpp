#pragma once

#include "targets/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The file format, version 2: the 8 bytes "FLJRNL2\n", then records, numbers little-endian:
///   mark     4 bytes FF 46 4C 52; FF is in no UTF-8 text, so a reader finds the next record again
///   length   u32, of the body
///   crc32c   u32, of the length's bytes and the body
///   body     kind u8, bytes of the fault's id u8, of the run's id u8, of `lasting` u16; then these
///            three; the rest is the record as JSON, UTF-8, at most 1 MiB
/// Who looks for what is open needs the head only, and parses the JSON of what is open.
///
/// What does not fit at the end of a file was torn off by a crash and is as if never written:
/// nothing was done before its record was whole. What does not fit and is as long as it says, or
/// has whole records behind it, is damage: it is reported, and the reader goes on behind it.
namespace faultline::store {

using Json = nlohmann::json;

enum class RecordKind : std::uint8_t {
  note = 0,
  intended = 1,
  applied = 2,
  reverting = 3,
  reverted = 4,
  closed = 5,    ///< nothing of the fault is left
  accepted = 6,  ///< somebody takes the rest upon himself
  lasting = 7,   ///< only after a rewrite: what closed faults leave to an open run
};
/// The fault of the record is not open any more.
constexpr bool closes(RecordKind kind) {
  return kind == RecordKind::closed || kind == RecordKind::accepted;
}

/// A record as it stands in a file. Views into somebody else's bytes.
struct Entry {
  RecordKind kind = RecordKind::note;
  std::string_view fault, run;  ///< empty when there is none
  /// Of an intention: {"epoch", "may_move"}, what counts for its run even when it is closed.
  std::string_view lasting;
  std::string_view text;   ///< JSON
  std::string_view bytes;  ///< all of it
};

constexpr std::string_view magic = "FLJRNL2\n";
constexpr std::size_t max_text_bytes = 1 << 20;  // records are a few KiB

/// By "type", "fault" and "run" of the record. None when it is larger than the format allows.
std::optional<std::string> encode(const Json& record);

/// The record at the beginning of `bytes`; none when there is no whole one.
std::optional<Entry> decode(std::string_view bytes);

/// Bytes that are no record, and were one.
struct Damage {
  std::uint64_t offset = 0, bytes = 0;
  std::uint64_t records_after = 0;
};

/// Gives the next bytes, at most `size`; 0 at the end.
using Source = std::function<Result<std::size_t>(char* into, std::size_t size)>;
Source source_of(std::string_view bytes);

struct Scanned {
  std::uint64_t records = 0;
  std::uint64_t end = 0;         ///< where the next record goes; 0: not even the magic is whole
  std::uint64_t torn_bytes = 0;  ///< after it
  std::vector<Damage> damage;    ///< at most 100; the last then spans the rest
};
/// Visits every whole record in order, with a few MiB in memory. Error `io`, which begins with
/// `name`, for what is no journal of this version, and what the source or the visitor says.
Result<Scanned> scan(const std::string& name, const Source& source,
                     const std::function<Result<>(const Entry&)>& visit);

}  // namespace faultline::store
