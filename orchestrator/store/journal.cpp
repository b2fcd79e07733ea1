#include "orchestrator/store/journal.hpp"

#include "orchestrator/store/file_disk.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace faultline::store {
namespace fs = std::filesystem;

Result<JournalState> read_state(const std::string& name, const Source& source) {
  JournalState state;
  auto scanned = scan(name, source, [&state](const Entry& entry) -> Result<> {
    state.open.take(entry);
    return {};
  });
  if (!scanned) {
    return scanned.error();
  }
  state.end = scanned->end;
  state.torn_bytes = scanned->torn_bytes;
  state.damage = std::move(scanned->damage);
  return state;
}

Result<std::unique_ptr<FileJournal>> FileJournal::open(const fs::path& file,
                                                       boost::asio::any_io_executor executor) {
  auto disk = FileDisk::open(file);
  if (!disk) {
    return disk.error();
  }
  auto state = read_state(file.string(), (*disk)->contents());
  if (!state) {
    return state.error();
  }
  if (state->end == 0) {
    if (const int error = (*disk)->begin(); error != 0) {
      return disk_error(file.string(), "write", error);
    }
    state->end = magic.size();
    state->torn_bytes = 0;
  }
  return std::make_unique<FileJournal>(std::move(*disk), std::move(executor), file.string(),
                                       std::move(*state));
}

FileJournal::FileJournal(std::unique_ptr<Disk> disk, boost::asio::any_io_executor executor,
                         std::string name, JournalState found)
    : executor_(std::move(executor)),
      name_(std::move(name)),
      open_(std::move(found.open)),
      end_(found.end),
      // Damage is evidence, and a rewrite would lose it.
      compact_at_(found.damage.empty() ? compact_above_bytes : UINT64_MAX),
      torn_(found.torn_bytes > 0),
      disk_(std::move(disk)) {}

FileJournal::~FileJournal() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    if (std::exchange(answering_, false)) {
      next();
    }
  }
  disk_->finish();
}

void FileJournal::append(Json record, std::function<void(Result<>)> done) {
  auto bytes = encode(record);
  const std::lock_guard lock(mutex_);
  Waiting waiting{bytes.value_or(""), std::move(done)};
  if (!bytes) {
    return answer(std::move(waiting),
                  Error{ErrorKind::usage, fmt::format("journal {}: a record does not fit: at most "
                                                      "{} bytes of JSON, and 255 an id",
                                                      name_, max_text_bytes)});
  }
  waiting_.push_back(std::move(waiting));
  if (!busy_) {
    busy_.emplace(executor_);
    next();
  }
}

void FileJournal::answer(Waiting waiting, const Result<>& result) {
  boost::asio::post(executor_, [waiting = std::move(waiting), result] { waiting.done(result); });
}

/// Goes on when the answers of this batch were heard: what they lead to is written together.
void FileJournal::go_on() {
  if (closing_) {
    return next();
  }
  answering_ = true;
  boost::asio::post(executor_, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      const std::lock_guard lock(mutex_);
      answering_ = false;
      next();
    }
  });
}

void FileJournal::next() {
  if (waiting_.empty()) {
    return busy_.reset();
  }
  batch_ = std::exchange(waiting_, {});
  if (!torn_) {
    return write();
  }
  disk_->cut(end_, [this](int error) {
    const std::lock_guard lock(mutex_);
    torn_ = error != 0;
    torn_ ? fail("cut it to its last whole record", error) : write();
  });
}

void FileJournal::write() {
  std::string bytes(end_ == 0 ? magic : "");
  for (const auto& waiting : batch_) {
    bytes += waiting.bytes;
  }
  const auto size = bytes.size();
  disk_->commit(end_, std::move(bytes), [this, size](int error) {
    const std::lock_guard lock(mutex_);
    written(size, error);
  });
}

void FileJournal::written(std::size_t size, int error) {
  if (error != 0) {
    return disk_->cut(end_, [this, error](int cut_error) {
      const std::lock_guard lock(mutex_);
      torn_ = cut_error != 0;
      fail("write", error);
    });
  }
  end_ += size;
  for (auto& waiting : std::exchange(batch_, {})) {
    open_.take(*decode(waiting.bytes));
    answer(std::move(waiting), {});
  }
  compact_or_go_on();
}

void FileJournal::fail(const char* doing, int error) {
  for (auto& waiting : std::exchange(batch_, {})) {
    answer(std::move(waiting), disk_error(name_, doing, error));
  }
  go_on();
}

void FileJournal::compact_or_go_on() {
  if (end_ < compact_at_ || open_.bytes() > end_ / 2) {
    return go_on();
  }
  std::string bytes(magic);
  open_.each([&bytes](const Entry& entry) { bytes += entry.bytes; });
  const auto size = bytes.size();
  disk_->replace(std::move(bytes), [this, size](int error) {
    const std::lock_guard lock(mutex_);
    if (error == 0) {
      end_ = size;
    }
    // Nothing is lost when it fails: the file only stays large, until it has grown again as much.
    compact_at_ = end_ + compact_above_bytes;
    go_on();
  });
}

}  // namespace faultline::store
