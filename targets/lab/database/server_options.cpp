#include "targets/lab/database/server_options.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace faultline::database {
namespace {

/// Shared by the template and its servers, else a server would not open the files.
void add_storage(std::vector<std::string>& argv, const std::filesystem::path& data) {
  argv.push_back("--datadir=" + data.string());
  argv.push_back("--tmpdir=" + data.string());  // one that starts removes others' temporary tables
  argv.insert(argv.end(), {
                              "--skip-name-resolve",  // the lab has no resolver: it would block
                              "--performance-schema=off",
                              "--innodb-buffer-pool-size=16M",  // the data is 1 MiB
                              "--innodb-log-file-size=8M",
                              "--innodb-data-file-path=ibdata1:4M:autoextend",
                              "--innodb-autoextend-increment=1",  // 64 MiB of zeros otherwise
                              "--innodb-temp-data-file-path=ibtmp1:3M:autoextend",
                              "--innodb-use-native-aio=0",  // locked memory is scarce for users
                              "--aria-pagecache-buffer-size=1M",
                              "--key-buffer-size=1M",
                          });
  if (::geteuid() == 0) {
    argv.emplace_back("--user=root");  // inside a user namespace everybody is root
  }
}

}  // namespace

std::vector<std::string> server_arguments(const Server& server) {
  std::vector<std::string> argv{mariadbd, "--no-defaults"};
  add_storage(argv, server.folder / "data");
  argv.push_back("--bind-address=" + server.listen.address);
  argv.push_back(fmt::format("--port={}", server.listen.port));
  argv.push_back("--socket=" + (server.folder / "mariadb.sock").string());
  argv.push_back("--pid-file=" + (server.folder / "mariadb.pid").string());
  argv.push_back(fmt::format("--server-id={}", server.id));
  argv.push_back(fmt::format("--rpl-semi-sync-slave-enabled={}", server.semi_sync ? 1 : 0));
  if (server.semi_sync) {
    // Cuts off the tail of its binary log that was not committed, so not confirmed either; what a
    // replica had received of it comes back from there. Only a semi-synchronous replica takes
    // events with its own server id: an asynchronous one skipped them, and silently lacked a row.
    argv.emplace_back("--init-rpl-role=SLAVE");
  }
  argv.insert(argv.end(),
              {
                  "--log-bin=binlog",
                  "--log-slave-updates=1",  // every node can become the source of the others
                  "--relay-log=relay",
                  "--relay-log-recovery=1",
                  "--binlog-format=ROW",
                  "--sync-binlog=1",
                  "--innodb-flush-log-at-trx-commit=1",
                  "--gtid-strict-mode=1",  // a diverged node fails loudly, and is cloned anew
                  "--read-only=1",
                  "--skip-slave-start",  // the manager says whom to follow
                  // Whether it waits for replicas is set when it becomes writable: on a replica it
                  // would stop replication for ever.
                  "--rpl-semi-sync-master-enabled=0",
                  "--rpl-semi-sync-master-timeout=3600000",  // ms; never fall back silently
                  "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
                  "--rpl-semi-sync-slave-kill-conn-timeout=1",  // s; STOP SLAVE waits for it
                  "--slave-net-timeout=2",                      // s; a cut is noticed then
                  "--max-connections=1000",
                  "--back-log=512",
              });
  return argv;
}

std::vector<std::string> bootstrap_arguments(const std::filesystem::path& data) {
  std::vector<std::string> argv{mariadbd, "--no-defaults", "--bootstrap"};
  add_storage(argv, data);
  // A template that was interrupted is thrown away, so nothing needs to be synced before the end.
  argv.emplace_back("--innodb-flush-method=nosync");
  argv.emplace_back("--innodb-flush-log-at-trx-commit=0");
  argv.emplace_back("--log-warnings=0");
  return argv;
}

}  // namespace faultline::database
