#include "orchestrator/store/journal.hpp"

#include "orchestrator/engine/recovery.hpp"
#include "orchestrator/store/crc32c.hpp"

#include <algorithm>
#include <cstdlib>

/// The journal reader: bytes as they are, bytes made into a record, and a sound journal with
/// damage.
namespace faultline::store {
namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::vector<std::string> records_in(std::string_view bytes) {
  std::vector<std::string> records;
  (void)scan("fuzz", source_of(bytes), [&](const Entry& entry) -> Result<> {
    require(decode(entry.bytes).has_value());
    records.emplace_back(entry.bytes);
    return {};
  });
  return records;
}

/// The records of faults, as a rewrite would keep them.
std::vector<std::string> kept(const JournalState& state) {
  std::vector<std::string> records;
  state.open.each([&](const Entry& entry) {
    if (entry.kind != RecordKind::lasting) {
      records.emplace_back(entry.bytes);
    }
  });
  return records;
}

/// Whatever it is, it has an end, and what is open in it is still open after a rewrite.
void read_any(std::string_view bytes) {
  const auto state = read_state("fuzz", source_of(bytes));
  if (!state) {
    return;
  }
  require(state->end + state->torn_bytes == bytes.size());
  std::string rewritten(magic);
  std::vector<Json> open;
  state->open.each([&](const Entry& entry) {
    rewritten += entry.bytes;
    open.push_back(Json::parse(entry.text, nullptr, false));
  });
  const auto again = read_state("fuzz", source_of(rewritten));
  require(again && again->torn_bytes == 0 && again->damage.empty());
  require(kept(*again) == kept(*state));
  (void)engine::open_runs(open);
}

void put_u32(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

/// The bytes as the body of a record whose length and checksum are right.
std::string as_record(std::string_view body) {
  std::string length;
  put_u32(length, static_cast<std::uint32_t>(body.size()));
  std::string out =
      "\xFF"
      "FLR" +
      length;
  put_u32(out, crc32c(body, crc32c(length)));
  return out.append(body);
}

/// Each three bytes change one of a sound journal: every record that they do not touch is found.
void damage_a_sound_one(std::string_view changes) {
  std::vector<std::string> sound;
  for (const auto* fault : {"a", "b", "c", "d", "e", "f"}) {
    for (const auto* type : {"intended", "applied", "closed"}) {
      sound.push_back(*encode({{"type", type}, {"fault", fault}, {"run", "r"}, {"epoch", 1}}));
    }
  }
  std::string bytes(magic);
  for (const auto& record : sound) {
    bytes += record;
  }
  const auto before = bytes;
  for (; changes.size() >= 3; changes.remove_prefix(3)) {
    const auto at =
        (static_cast<unsigned char>(changes[0]) << 8) + static_cast<unsigned char>(changes[1]);
    bytes[static_cast<std::size_t>(at) % bytes.size()] = changes[2];
  }
  std::vector<std::string> untouched;
  std::size_t at = magic.size();
  for (const auto& record : sound) {
    if (bytes.compare(at, record.size(), record) == 0) {
      untouched.push_back(record);
    }
    at += record.size();
  }
  require(records_in(bytes) == untouched);
}

}  // namespace
}  // namespace faultline::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace faultline::store;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)records_in(bytes);
  read_any(bytes);
  read_any(std::string(magic) + as_record(bytes) + as_record(bytes.substr(bytes.size() / 2)));
  damage_a_sound_one(bytes);
  return 0;
}
