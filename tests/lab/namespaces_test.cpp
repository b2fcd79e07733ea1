#include "targets/lab/supervisor_namespaces.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::lab {
namespace {

constexpr int forbidden = 77;  ///< exit code: namespaces cannot be made here

std::string network_of_this_thread() {
  return std::filesystem::read_symlink("/proc/thread-self/ns/net").string();
}

/// A host "there", which only this process sees.
bool make_there() {
  const auto uid = std::to_string(::getuid());
  const auto gid = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " + uid + " 1";
  std::ofstream("/proc/self/gid_map") << "0 " + gid + " 1";
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("run", "/run", "tmpfs", 0, nullptr) != 0) {
    return false;
  }
  std::filesystem::create_directory("/run/netns");
  std::ofstream("/run/netns/there").close();
  const net::Fd home(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  return home && ::unshare(CLONE_NEWNET) == 0 &&
         ::mount("/proc/self/ns/net", "/run/netns/there", nullptr, MS_BIND, nullptr) == 0 &&
         ::setns(home.get(), CLONE_NEWNET) == 0;
}

/// Exit code of a process that runs `body` where there is a host "there".
int with_there(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(!make_there() ? forbidden : body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Inside, TheThreadComesBackFromABodyThatThrows) {
  const int code = with_there([] {
    const auto home = network_of_this_thread();
    std::string visited;
    bool thrown = false;
    try {
      (void)inside("there", [&]() -> Result<> {
        visited = network_of_this_thread();
        throw std::runtime_error("no memory");
      });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    return thrown && visited != home && network_of_this_thread() == home;
  });
  if (code == forbidden) {
    GTEST_SKIP() << "namespaces cannot be made here";
  }
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace faultline::lab
