#include "orchestrator/cli/session.hpp"

#include <fmt/format.h>

#include <unistd.h>

/// What runs of this home that were killed left behind, put back.
namespace faultline::cli {

Result<Recovered> recover_leftovers(const Context& context,
                                    const std::optional<guard::Acceptance>& accept) {
  Recovered recovered;
  for (const auto& journal : guard::journals_of(context.home)) {
    boost::asio::io_context io;
    net::AsioClock clock(io.get_executor());
    const auto found = await<guard::Leftovers>(io, [&](auto done) {
      guard::put_back(journal, false,
                      {.executor = io.get_executor(),
                       .clock = clock,
                       .who = fmt::format("recover, pid {}", ::getpid()),
                       .accept = accept},
                      done);
    });
    if (!found) {
      return found.error();
    }
    recovered.lines.insert(recovered.lines.end(), found->lines.begin(), found->lines.end());
    recovered.residue.insert(recovered.residue.end(), found->residue.begin(), found->residue.end());
    const auto told = guard::tell(context.home / "history.db", *found);
    for (const auto& problem : told.problems) {
      recovered.lines.push_back("the history does not say so: " + problem);
    }
    // Its owner may be new, and be about to write to it.
    if (found->spent() && told.acceptances &&
        store::FileJournal::open(journal, io.get_executor())) {
      store::remove_segments(journal);
    }
  }
  return recovered;
}

}  // namespace faultline::cli
