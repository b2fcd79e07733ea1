#include "orchestrator/cli/session.hpp"
#include "orchestrator/engine/recovery.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

/// What a run that was killed left behind: read from its journal, and put back.
namespace faultline::cli {
namespace fs = std::filesystem;
using engine::OpenRun;
using nlohmann::json;

namespace {

/// The environment a run acted on; none when it is gone, and everything in it. Any other reason for
/// not reaching it is an error: then what it left may still be in force.
Result<std::unique_ptr<targets::Target>> find_environment(boost::asio::io_context& io,
                                                          const json& identity) {
  const auto name = identity.value("target", std::string());
  const auto* kind = targets::find(name);
  if (kind == nullptr) {
    return Error{ErrorKind::io, fmt::format("a journal names a target '{}' that this version does "
                                            "not know; use the version that wrote it",
                                            name)};
  }
  auto target = kind->reach(io, identity);
  if (!target && target.error().kind == ErrorKind::not_found) {
    return std::unique_ptr<targets::Target>();
  }
  return target;
}

void close(const OpenRun& run, const std::string& how, store::Journal& journal,
           Recovered& recovered) {
  for (const auto& fault : run.faults) {
    journal.append({{"type", "closed"}, {"fault", fault.id}, {"by", "recover"}},
                   [](const Result<>&) {});
    recovered.lines.push_back(fmt::format("recovered {} ({}): {}", fault.id, fault.kind, how));
  }
}

Result<> recover_run(const OpenRun& run, store::Journal& journal, Recovered& recovered) {
  boost::asio::io_context io;
  net::AsioClock clock(io.get_executor());
  const auto target = find_environment(io, run.target);
  if (!target) {
    return target.error();
  }
  if (*target == nullptr) {
    close(run, "its environment is gone, and everything in it", journal, recovered);
    return {};
  }
  const auto epoch =
      await<targets::Epoch>(io, [&](auto done) { (*target)->acquire("recover", 0, done); });
  if (!epoch) {
    return epoch.error();
  }
  const auto residue = await<std::vector<std::string>>(
      io, [&](auto done) { engine::put_back(run, **target, *epoch, clock, done); });
  (void)await<void>(io, [&](auto done) { (*target)->release(*epoch, done); });
  if (!residue) {
    return residue.error();
  }
  if (residue->empty()) {
    close(run, "reverted, nothing left", journal, recovered);
  } else {
    recovered.lines.push_back(
        fmt::format("run {}: still different: {}", run.run, fmt::join(*residue, "; ")));
    recovered.residue.insert(recovered.residue.end(), residue->begin(), residue->end());
  }
  return {};
}

Result<> recover_file(const fs::path& file, Recovered& recovered) {
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
  const auto runs = engine::open_runs(contents->records);
  if (!runs) {
    return Error{runs.error().kind, file.string() + ": " + runs.error().message};
  }
  const std::size_t residue_before = recovered.residue.size();
  for (const auto& run : *runs) {
    if (auto done = recover_run(run, **journal, recovered); !done) {
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
    if (auto done = recover_file(file, recovered); !done) {
      return done.error();
    }
  }
  return recovered;
}

}  // namespace faultline::cli
