#include "targets/lab/supervisor_template.hpp"

#include <fmt/format.h>

namespace faultline::lab {
namespace {

namespace fs = std::filesystem;
using Done = targets::Done<fs::path>;

constexpr Duration name_limit = std::chrono::seconds(5);   // it prints a line
constexpr Duration make_limit = std::chrono::seconds(20);  // 0.8 s on a quiet machine

/// In the first of `folders` in which it can be made.
void make(Children& children, const std::string& program, const std::string& name,
          std::vector<fs::path> folders, const std::string& last_error, const Done& done) {
  if (folders.empty()) {
    done(Error{ErrorKind::io, "cannot make the database's template: " + last_error});
    return;
  }
  const auto into = folders.front() / name;
  folders.erase(folders.begin());
  std::error_code failed;
  fs::create_directories(into.parent_path(), failed);
  children.run({"", {program, "db-template", "--into", into.string()}}, "", make_limit,
               [&children, program, name, folders, into, done](const Result<std::string>& made) {
                 if (made) {
                   done(into);
                 } else {
                   make(children, program, name, folders, made.error().message, done);
                 }
               });
}

}  // namespace

void prepare_template(Children& children, const std::string& program, const fs::path& cache,
                      const fs::path& fallback, const std::function<void()>& making, Done done) {
  children.run({"", {program, "db-template", "--name"}}, "", name_limit,
               [&children, program, cache, fallback, making,
                done = std::move(done)](Result<std::string> printed) {
                 if (!printed) {
                   done(printed.error());
                   return;
                 }
                 const auto name = printed->substr(0, printed->find('\n'));
                 std::vector<fs::path> folders{fallback};
                 if (!cache.empty()) {
                   folders.insert(folders.begin(), cache);
                 }
                 if (!fs::is_directory(folders.front() / name)) {
                   making();
                 }
                 make(children, program, name, std::move(folders), "", done);
               });
}

}  // namespace faultline::lab
