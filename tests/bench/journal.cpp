#include "orchestrator/store/journal.hpp"

#include "orchestrator/engine/recovery.hpp"
#include "orchestrator/store/file_disk.hpp"

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <unistd.h>

/// Durable records per second with 1 and 32 writers, each of which waits for its record before the
/// next; and the time to find what is open in a journal of a million records.
namespace faultline {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using store::Json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// As the engine writes them: one action, the invariants before it.
Json intended(const std::string& run, const std::string& fault) {
  Json before = Json::object();
  for (const auto* name : {"a-redis", "b-redis", "c-redis", "a-db", "b-db", "c-db", "alb", "pay"}) {
    before[std::string("component ") + name] = "healthy";
  }
  const targets::Action action{.id = fault + ".0",
                               .kind = "process.kill",
                               .args = {{"component", "a-redis"}},
                               .summary = "kill a-redis (SIGKILL)",
                               .undo_summary = "start a-redis again",
                               .resource = "component a-redis"};
  return {{"type", "intended"},
          {"fault", fault},
          {"at", "2026-11-21T12:00:00.000Z"},
          {"run", run},
          {"target", {{"target", "lab"}, {"socket", "/run/user/1000/faultline/lab.sock"}}},
          {"before", before},
          {"kind", "redis_failover"},
          {"epoch", 7},
          {"actions", {action}},
          {"resources", {"component a-redis"}},
          {"may_move", {"cache sessions primary"}}};
}
Json step(const std::string& type, const std::string& fault) {
  return {{"type", type}, {"fault", fault}, {"at", "2026-11-21T12:00:00.000Z"}};
}

/// So many records a second, in `time`: each writer writes its next when the last one is durable.
using Measure = std::function<double(const fs::path&, int writers, double seconds)>;

double journal_rate(const fs::path& file, int writers, double seconds) {
  boost::asio::io_context io;
  const auto journal = store::FileJournal::open(file, io.get_executor()).value();
  const auto record = intended("r1", "r1.0");
  std::uint64_t written = 0;
  const auto start = Clock::now();
  std::function<void()> write = [&] {
    journal->append(record, [&](const Result<>& result) {
      result.value();
      ++written;
      if (seconds_since(start) < seconds) {
        write();
      }
    });
  };
  for (int i = 0; i < writers; ++i) {
    write();
  }
  io.run();
  return static_cast<double>(written) / seconds_since(start);
}

/// Writers that take turns, each with a commit of its own.
double in_turns(int writers, double seconds, const std::function<void()>& commit_one) {
  std::mutex turn;
  std::atomic<std::uint64_t> written = 0;
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      while (seconds_since(start) < seconds) {
        const std::lock_guard lock(turn);
        commit_one();
        ++written;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  return static_cast<double>(written) / seconds_since(start);
}

double single_rate(const fs::path& file, int writers, double seconds) {
  const auto disk = store::FileDisk::open(file).value();
  const auto record = intended("r1", "r1.0");
  std::uint64_t end = store::magic.size();
  disk->commit_now(0, store::magic);
  return in_turns(writers, seconds, [&] {
    const auto bytes = store::encode(record).value();
    if (disk->commit_now(end, bytes) != 0) {
      throw std::runtime_error("the disk is full");
    }
    end += bytes.size();
  });
}

void sql(sqlite3* db, const char* text) {
  if (sqlite3_exec(db, text, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(db));
  }
}

double sqlite_rate(const fs::path& file, int writers, double seconds) {
  sqlite3* opened = nullptr;
  sqlite3_open(file.c_str(), &opened);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> db(opened, sqlite3_close);
  sql(db.get(),
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE journal (id INTEGER PRIMARY KEY, text TEXT)");
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(db.get(), "INSERT INTO journal (text) VALUES (?)", -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> insert(prepared, sqlite3_finalize);
  const auto record = intended("r1", "r1.0");
  return in_turns(writers, seconds, [&] {
    const auto text = record.dump();
    sqlite3_reset(insert.get());
    sqlite3_bind_text(insert.get(), 1, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    if (sqlite3_step(insert.get()) != SQLITE_DONE) {
      throw std::runtime_error(sqlite3_errmsg(db.get()));
    }
  });
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void durable_records(const fs::path& folder, int rounds, double seconds) {
  const std::vector<std::pair<std::string, Measure>> ways{{"journal", journal_rate},
                                                          {"one commit per record", single_rate},
                                                          {"SQLite, FULL, WAL", sqlite_rate}};
  std::map<std::pair<std::string, int>, std::vector<double>> rates;
  for (int round = 0; round < rounds; ++round) {
    for (const int writers : {1, 32}) {
      for (const auto& [name, measure] : ways) {
        const auto file = folder / "bench.journal";
        rates[{name, writers}].push_back(measure(file, writers, seconds));
        for (const auto* ending : {"", "-wal", "-shm"}) {
          fs::remove(file.string() + ending);
        }
      }
    }
  }
  fmt::print("durable records/s, median of {} rounds of {} s, a record of {} bytes\n\n", rounds,
             seconds, store::encode(intended("r1", "r1.0"))->size());
  fmt::print(
      "| writers at once | journal | one commit per record | SQLite, FULL, WAL |"
      " journal / one commit | journal / SQLite |\n|---|---|---|---|---|---|\n");
  for (const int writers : {1, 32}) {
    std::vector<double> rate;
    for (const auto& [name, measure] : ways) {
      rate.push_back(median(rates[{name, writers}]));
    }
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {:.1f} | {:.1f} |\n", writers, rate[0], rate[1],
               rate[2], rate[0] / rate[1], rate[0] / rate[2]);
  }
}

/// Faults with their five records, `open` of them, spread over the file, left after `applied`.
void write_large(const fs::path& file, int records, int open) {
  std::ofstream out(file, std::ios::binary);
  out << store::magic;
  const int faults = (records - 2 * open) / 5 + open;
  const int every = faults / open;
  int written = 0, left_open = 0;
  for (int i = 0; i < faults; ++i) {
    const auto run = fmt::format("20261121-120000-{:04x}", i / 10);
    const auto fault = fmt::format("{}.{}", run, i % 10);
    out << *store::encode(intended(run, fault)) << *store::encode(step("applied", fault));
    written += 2;
    if (i % every == 0 && left_open < open) {
      ++left_open;
      continue;
    }
    for (const auto* type : {"reverting", "reverted", "closed"}) {
      out << *store::encode(step(type, fault));
      ++written;
    }
  }
  for (; written < records; ++written) {
    out << *store::encode({{"type", "note"}, {"text", "filling"}});
  }
}

void recovery(const fs::path& folder, int rounds, int records, int open) {
  const auto file = folder / "large.journal";
  write_large(file, records, open);
  std::vector<double> seconds;
  std::size_t found = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    const auto segments = store::read_segments(file).value();
    const auto runs = engine::open_runs(segments.records).value();
    seconds.push_back(seconds_since(start));
    found = 0;
    for (const auto& run : runs) {
      found += run.faults.size();
    }
  }
  fmt::print(
      "\nrecovery of {} records, {:.0f} MB, {} open: {:.2f} s until these are in memory "
      "(median of {}, worst {:.2f})\n",
      records, static_cast<double>(fs::file_size(file)) / 1e6, found, median(seconds), rounds,
      std::ranges::max(seconds));
  fs::remove(file);
}

}  // namespace
}  // namespace faultline

/// bench_journal [ROUNDS] [SECONDS] [FOLDER]
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
  std::string folder =
      std::string(argc > 3 ? argv[3] : "/var/tmp") + "/faultline-bench-journal-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) {
    fmt::print(stderr, "bench_journal: cannot make {}\n", folder);
    return 1;
  }
  faultline::durable_records(folder, rounds, seconds);
  faultline::recovery(folder, rounds, 1'000'000, 10'000);
  std::filesystem::remove_all(folder);
  return 0;
}
