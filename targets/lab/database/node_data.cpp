#include "targets/lab/database/node_data.hpp"

#include "targets/lab/database/copy.hpp"

#include <fmt/format.h>

#include <fstream>

namespace faultline::database {
namespace {

namespace fs = std::filesystem;

/// A node whose data is replaced must not skip its own old events as a replica, so it takes a new
/// identity: its first one plus this, once for each time. More than the nodes of a cluster.
constexpr int identity_step = 100;

Result<> move_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error
             ? Result<>(Error{ErrorKind::io, fmt::format("cannot move {} to {}: {}", from.string(),
                                                         to.string(), error.message())})
             : Result<>{};
}

Result<> drop(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  return error ? Result<>(Error{ErrorKind::io, fmt::format("cannot remove {}: {}", folder.string(),
                                                           error.message())})
               : Result<>{};
}

}  // namespace

NodeData::NodeData(fs::path folder, fs::path source, int first_id)
    : folder_(std::move(folder)), source_(std::move(source)), first_id_(first_id), id_(first_id) {
  int id = 0;
  if (std::ifstream(folder_ / "server-id") >> id && id % identity_step == first_id_) {
    id_ = id;
  }
}

Result<> NodeData::open() {
  std::error_code error;
  fs::create_directories(folder_, error);
  for (const auto& leftover : {draft(), old()}) {
    if (auto removed = drop(leftover); !removed) {
      return removed;
    }
  }
  if (fs::exists(data())) {
    return {};
  }
  // Without data, the identity that is stored was not used yet: it is stored before data is moved.
  if (auto stored = store_id(id_); !stored) {
    return stored;
  }
  if (auto copied = copy_tree(source_, draft()); !copied) {
    return copied;
  }
  return move_to(draft(), data());
}

Result<> NodeData::replace() {
  // The identity first: with new data and the old one, the node would ignore its own history. The
  // old data may go on under the new one.
  if (auto stored = store_id(id_ + identity_step); !stored) {
    return stored;
  }
  id_ += identity_step;
  if (fs::exists(data())) {
    // Moved, because half of it must never look like data.
    auto gone = drop(old());
    gone = gone ? move_to(data(), old()) : gone;
    if (!gone) {
      return gone;
    }
  }
  return open();
}

Result<> NodeData::store_id(int id) const {
  const fs::path file = folder_ / "server-id", draft = folder_ / "server-id.draft";
  std::ofstream out(draft);
  out << id << '\n';
  out.close();
  if (!out) {
    return Error{ErrorKind::io, fmt::format("cannot write {}", draft.string())};
  }
  return move_to(draft, file);
}

}  // namespace faultline::database
