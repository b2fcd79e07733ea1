#include "tests/simulation/disk.hpp"

namespace faultline::simulation {

using fake::SimulatedDisk;
using store::Json;

std::vector<engine::OpenRun> open_runs(const Platters& platters) {
  store::OpenRecords open;
  std::vector<Json> done;
  for (const auto& platter : {platters.own, platters.undo}) {
    const auto take = [&](const store::Entry& entry) -> Result<> {
      open.take(entry);
      if (entry.kind == store::RecordKind::closed && platter == platters.undo) {
        done.push_back(Json::parse(entry.text));
      }
      return {};
    };
    (void)store::scan("a simulated journal", store::source_of(*platter), take).value();
  }
  std::vector<Json> records;
  open.each([&](const store::Entry& entry) { records.push_back(Json::parse(entry.text)); });
  std::ranges::move(done, std::back_inserter(records));
  return engine::open_runs(records).value();
}

std::set<std::string> intended_actions(const SimulatedDisk::Platter& platter) {
  std::set<std::string> ids;
  const auto take = [&](const store::Entry& entry) -> Result<> {
    if (entry.kind == store::RecordKind::intended) {
      const auto record = Json::parse(entry.text);
      for (const auto& action : record.at("actions")) {
        ids.insert(action.at("id").get<std::string>());
      }
    }
    return {};
  };
  (void)store::scan("a simulated journal", store::source_of(*platter), take).value();
  return ids;
}

SimJournal::SimJournal(World& world, Process& process, SimulatedDisk::Platter platter,
                       int disk_fails_percent)
    : world_(world), process_(process) {
  auto found = store::read_state("a simulated journal", store::source_of(*platter)).value();
  auto disk = std::make_unique<SimulatedDisk>(process.clock(), std::move(platter));
  disk->fails = [this, disk_fails_percent](SimulatedDisk::Doing) {
    disk_->torn = static_cast<std::size_t>(world_.dice().pick(400));
    return world_.dice().percent(disk_fails_percent) ? ENOSPC : 0;
  };
  disk_ = disk.get();
  journal_ = std::make_unique<store::FileJournal>(std::move(disk), process.io().get_executor(),
                                                  "simulated", std::move(found));
}

void SimJournal::append(Json record, std::function<void(Result<>)> done) {
  const auto name = record.value("type", "") + " " + record.value("fault", "");
  if (process_.alive()) {
    world_.on_step("before record " + name);
  }
  const auto waiting = std::make_shared<std::function<void(Result<>)>>(std::move(done));
  if (!process_.alive()) {
    return process_.deliver([waiting] { (*waiting)(Error{ErrorKind::io, "the process is dead"}); });
  }
  std::erase_if(waiting_, [](const Waiting& w) { return *w == nullptr; });
  waiting_.push_back(waiting);
  journal_->append(std::move(record), [this, waiting, name](const Result<>& result) {
    if (process_.alive()) {
      world_.on_step("durable record " + name);
    }
    if (*waiting) {
      std::exchange(*waiting, nullptr)(result);
    }
  });
}

void SimJournal::crash() {
  const auto in_flight = static_cast<int>(disk_->in_flight());
  disk_->crash(static_cast<std::size_t>(world_.dice().pick(in_flight + 1)));
  for (const auto& waiting : std::exchange(waiting_, {})) {
    process_.deliver([waiting] {
      if (*waiting) {
        std::exchange(*waiting, nullptr)(Error{ErrorKind::io, "the process is dead"});
      }
    });
  }
}

}  // namespace faultline::simulation
