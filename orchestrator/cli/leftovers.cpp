#include "orchestrator/cli/session.hpp"
#include "orchestrator/engine/recovery.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

/// What a run that was killed left behind: read from its journal, and put back.
namespace faultline::cli {
namespace fs = std::filesystem;
using engine::OpenFault;
using nlohmann::json;

namespace {

/// The environment a fault was injected into, if it still is the same one.
std::unique_ptr<targets::Target> find_environment(const Context& context,
                                                  boost::asio::io_context& io,
                                                  const json& identity) {
  const auto* kind = targets::find(identity.value("target", std::string()));
  if (kind == nullptr || identity.value("private", false)) {
    return nullptr;  // a private lab ends with its run
  }
  auto target = kind->open(io, {.home = context.home,
                                .cache = context.cache,
                                .profile = "",
                                .stage = false,
                                .progress = [](const std::string&) {}});
  return target && (*target)->identity() == identity ? std::move(*target) : nullptr;
}

/// Reverts the faults of one environment. `journal` learns what is closed.
Result<> revert_all(const std::vector<OpenFault>& faults, targets::Target& target,
                    boost::asio::io_context& io, store::Journal& journal, Recovered& recovered) {
  net::AsioClock clock(io.get_executor());
  const auto epoch = await<targets::Epoch>(io, [&](auto done) { target.acquire("recover", done); });
  if (!epoch) {
    return epoch.error();
  }
  for (auto fault = faults.rbegin(); fault != faults.rend(); ++fault) {
    const auto residue = await<std::vector<std::string>>(
        io, [&](auto done) { engine::put_back(*fault, target, *epoch, clock, done); });
    if (!residue) {
      return residue.error();
    }
    if (residue->empty()) {
      (void)journal.append({{"type", "closed"}, {"fault", fault->id}, {"by", "recover"}});
      recovered.lines.push_back(
          fmt::format("recovered {} ({}): reverted, nothing left", fault->id, fault->kind));
    } else {
      recovered.lines.push_back(fmt::format("{} ({}): still different: {}", fault->id, fault->kind,
                                            fmt::join(*residue, "; ")));
      recovered.residue.insert(recovered.residue.end(), residue->begin(), residue->end());
    }
  }
  (void)await<void>(io, [&](auto done) { target.release(*epoch, done); });
  return {};
}

Result<> recover_file(const Context& context, const fs::path& file, Recovered& recovered) {
  auto journal = store::FileJournal::open(file);
  if (!journal && journal.error().kind == ErrorKind::refused) {
    recovered.lines.push_back(fmt::format("left alone: {}", journal.error().message));
    return {};
  }
  if (!journal) {
    return journal.error();
  }
  const auto contents = store::read_journal(file);
  if (!contents) {
    return contents.error();
  }
  auto open = engine::open_faults(contents->records);
  if (!open) {
    return Error{open.error().kind, file.string() + ": " + open.error().message};
  }
  const std::size_t residue_before = recovered.residue.size();
  if (!open->empty()) {
    boost::asio::io_context io;
    const auto target = find_environment(context, io, open->front().target);
    if (target == nullptr) {
      for (const auto& fault : *open) {
        recovered.lines.push_back(
            fmt::format("recovered {} ({}): its environment is gone, and everything in it",
                        fault.id, fault.kind));
      }
    } else if (auto done = revert_all(*open, *target, io, **journal, recovered); !done) {
      return done.error();
    }
  }
  if (recovered.residue.size() == residue_before) {
    std::error_code ignored;
    fs::remove(file, ignored);
  }
  return {};
}

}  // namespace

Result<Recovered> recover_leftovers(const Context& context) {
  Recovered recovered;
  std::vector<fs::path> files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(context.home / "journal", missing)) {
    if (entry.path().extension() == ".journal") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    if (auto done = recover_file(context, file, recovered); !done) {
      return done.error();
    }
  }
  return recovered;
}

}  // namespace faultline::cli
