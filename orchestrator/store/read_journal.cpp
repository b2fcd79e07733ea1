#include "orchestrator/store/file_disk.hpp"
#include "orchestrator/store/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

namespace faultline::store {
namespace fs = std::filesystem;
namespace {

constexpr const char* undo_extension = ".undo.journal";

Result<Json> parse(const fs::path& file, std::string_view text) {
  auto record = Json::parse(text, nullptr, false);
  if (record.is_discarded()) {
    return Error{ErrorKind::io, fmt::format("journal {}: a record is whole but not JSON: {}",
                                            file.string(), text.substr(0, 120))};
  }
  return ok(std::move(record));
}

Result<> add(const fs::path& file, std::string_view text, std::vector<Json>& records) {
  auto record = parse(file, text);
  if (!record) {
    return record.error();
  }
  records.push_back(std::move(*record));
  return {};
}

/// `damaged`, with what any record that can be read says of the environment. A journal has one, and
/// its last epoch is its highest.
Result<Json> damaged_in_its_environment(const fs::path& journal,
                                        const std::vector<Damage>& damage) {
  Json out = damaged(journal, damage);
  out["target"] = Json::object();
  std::uint64_t epoch = 0;
  const auto scanned = scan_file(journal, [&out, &epoch](const Entry& entry) -> Result<> {
    const auto record = Json::parse(entry.text, nullptr, false);
    const auto named = [&record](const char* key) {
      return record.is_object() && record.contains(key) ? record[key] : Json();
    };
    if (const auto run = named("run"); run.is_string()) {
      out["run"] = run;
    }
    if (const auto target = named("target"); target.is_object()) {
      out["target"] = target;
    }
    if (const auto of_record = named("epoch"); of_record.is_number_unsigned()) {
      epoch = std::max(epoch, of_record.get<std::uint64_t>());
    }
    return {};
  });
  out["epoch"] = epoch;
  return scanned ? ok(std::move(out)) : Result<Json>(scanned.error());
}

}  // namespace

Result<Scanned> scan_file(const fs::path& file,
                          const std::function<Result<>(const Entry&)>& visit) {
  const net::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return errno == ENOENT ? Result<Scanned>(Scanned{}) : disk_error(file.string(), "read", errno);
  }
  return scan(file.string(), source_of(file, fd), visit);
}

Result<JournalContents> read_journal(const fs::path& file) {
  JournalContents out;
  auto scanned = scan_file(file, [&](const Entry& e) { return add(file, e.text, out.records); });
  if (!scanned) {
    return scanned.error();
  }
  out.torn_bytes = scanned->torn_bytes;
  out.damage = std::move(scanned->damage);
  return out;
}

Result<Segments> read_segments(const fs::path& journal) {
  Segments out;
  OpenRecords open;
  std::vector<Json> done;
  const auto undo = undo_segment(journal);
  for (const auto& file : {journal, undo}) {
    const auto scanned = scan_file(file, [&](const Entry& entry) -> Result<> {
      open.take(entry);
      return closes(entry.kind) && file == undo ? add(file, entry.text, done) : Result<>();
    });
    if (!scanned) {
      return scanned.error();
    }
    for (auto& line : problems_of(file, scanned->torn_bytes, scanned->damage)) {
      out.problems.push_back(std::move(line));
    }
    if (file == journal && !scanned->damage.empty()) {
      auto lost = damaged_in_its_environment(file, scanned->damage);
      if (!lost) {
        return lost.error();
      }
      out.records.push_back(std::move(*lost));
    }
  }
  Result<> added;
  open.each([&](const Entry& entry) {
    const bool wanted = added && !closes(entry.kind);
    added = wanted ? add(journal, entry.text, out.records) : added;
  });
  if (!added) {
    return added.error();
  }
  std::ranges::move(done, std::back_inserter(out.records));
  return out;
}

Json damaged(const fs::path& journal, const std::vector<Damage>& damage) {
  std::uint64_t bytes = 0;
  for (const auto& d : damage) {
    bytes += d.bytes;
  }
  const auto name = journal.stem().string();
  return {{"type", "damaged"},
          {"fault", fmt::format("{}.damaged-{}", name, bytes)},
          {"kind", "damaged_journal"},
          {"run", name},
          {"resource", "journal " + name}};
}

fs::path undo_segment(const fs::path& journal) {
  return fs::path(journal).replace_extension(undo_extension);
}

void remove_segments(const fs::path& journal) {
  std::error_code ignored;       // what stays is read again, and found closed
  fs::remove(journal, ignored);  // first: without its undo segment it would look open again
  fs::remove(undo_segment(journal), ignored);
}

std::vector<std::string> problems_of(const fs::path& file, std::uint64_t torn_bytes,
                                     const std::vector<Damage>& damage) {
  const bool of_recovery = file.string().ends_with(undo_extension);
  std::vector<std::string> lines;
  for (const auto& d : damage) {
    lines.push_back(fmt::format(
        "journal {}: damaged: {} bytes at offset {} are no record, and {} whole records follow, "
        "which are used; {}",
        file.string(), d.bytes, d.offset, d.records_after,
        of_recovery ? "what the damaged ones closed is open again and is put back once more"
                    : "what the damaged ones may have begun is looked for in the environment"));
  }
  if (torn_bytes > 0) {
    lines.push_back(
        fmt::format("journal {}: its last {} bytes are torn: they were being written "
                    "when their writer died, and nothing was done before they were",
                    file.string(), torn_bytes));
  }
  return lines;
}

}  // namespace faultline::store
