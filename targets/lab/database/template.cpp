#include "targets/lab/database/template.hpp"

#include "targets/lab/database/child.hpp"
#include "targets/lab/database/schema.hpp"
#include "targets/lab/database/server_options.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/mman.h>

namespace faultline::database {
namespace {

namespace fs = std::filesystem;

constexpr auto build_limit = std::chrono::seconds(60);  ///< takes 0.4 s when the machine is idle
constexpr auto version_limit = std::chrono::seconds(10);
constexpr std::size_t shown_bytes = 2000;  ///< of a failed build's output
/// From the same package as the server.
constexpr const char* system_tables = "/usr/share/mysql/mysql_system_tables.sql";

Error broken(const std::string& what) {
  return {ErrorKind::io,
          fmt::format("database template: {}; expected mariadb-server-core 10.11 ({} and {})", what,
                      mariadbd, system_tables)};
}

net::Fd memory_file() {
  return net::Fd(::memfd_create("faultline-database", MFD_CLOEXEC));
}

bool fill(int fd, std::string_view text) {
  return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         ::lseek(fd, 0, SEEK_SET) == 0;
}

std::string contents(int fd) {
  std::string text(64 * 1024, '\0');
  const auto got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string the_end_of(const std::string& text) {
  return text.size() > shown_bytes ? text.substr(text.size() - shown_bytes) : text;
}

Result<> bootstrap(const fs::path& data) {
  std::ifstream tables(system_tables);
  std::stringstream sql;
  sql << "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n" << tables.rdbuf() << schema();
  if (!tables) {
    return broken(fmt::format("cannot read {}", system_tables));
  }
  const auto input = memory_file(), output = memory_file();
  if (!input || !output || !fill(input.get(), sql.str())) {
    return broken("no memory for the statements");
  }
  auto server = Child::start(bootstrap_arguments(data), input.get(), output.get());
  if (!server) {
    return server.error();
  }
  const int code = server->wait(build_limit);
  const auto said = contents(output.get());
  if (code != 0 || said.find("ERROR") != said.npos) {
    return broken(fmt::format("{} --bootstrap ended with {} and said:\n{}", mariadbd, code,
                              the_end_of(said)));
  }
  return {};
}

}  // namespace

Result<bool> build_template(const fs::path& into) {
  std::error_code error;
  fs::create_directories(fs::absolute(into).parent_path(), error);
  const fs::path lock_file = into.string() + ".lock";
  const net::Fd lock(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) {
    return broken(fmt::format("cannot lock {}: {}", lock_file.string(), strerror(errno)));
  }
  if (fs::exists(into)) {
    return false;
  }
  const fs::path draft = into.string() + ".draft";
  fs::remove_all(draft, error);  // of a build that was killed
  fs::create_directories(draft, error);
  if (error) {
    return broken(fmt::format("cannot create {}: {}", draft.string(), error.message()));
  }
  if (auto built = bootstrap(draft); !built) {
    fs::remove_all(draft, error);
    return built.error();
  }
  fs::remove(draft / "ib_buffer_pool", error);  // a list of pages to warm up: not worth its time
  fs::rename(draft, into, error);
  if (error) {
    return broken(
        fmt::format("cannot move {} to {}: {}", draft.string(), into.string(), error.message()));
  }
  return true;
}

Result<std::string> installed_template_name() {
  const auto output = memory_file();
  auto server = Child::start({mariadbd, "--no-defaults", "--version"}, -1, output.get());
  if (!server) {
    return server.error();
  }
  if (const int code = server->wait(version_limit); code != 0) {
    return broken(fmt::format("{} --version ended with {}", mariadbd, code));
  }
  return template_name(contents(output.get()));
}

}  // namespace faultline::database
