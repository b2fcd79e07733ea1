#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace faultline {

/// What a caller can do about an error. The command line maps these to exit codes.
enum class ErrorKind {
  usage,        ///< the request is wrong: a name, a unit, a file (exit 2)
  not_found,    ///< a selector matched nothing (exit 3)
  unsupported,  ///< the target cannot do it (exit 2 when found in the dry pass)
  refused,      ///< a guardrail, the owner lock or the environment says no (exit 3)
  fenced,       ///< a newer epoch owns the environment
  conflict,     ///< somebody else changed what was to be undone
  timeout,      ///< no answer in time; the outcome is unknown
  io,           ///< the machine: disk, socket, process
  cancelled,    ///< the run was aborted
};

/// An expected failure at a module's edge. `message` says what was expected, what was found,
/// where, and what to do; it is shown to people as it is.
struct Error {
  ErrorKind kind = ErrorKind::io;
  std::string message;
};

/// An Error as an exception, for code inside a fiber.
class Failure : public std::runtime_error {
 public:
  explicit Failure(Error error) : std::runtime_error(error.message), error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

/// `result.value()` on an error throws Failure.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location& /*where*/) {
  throw Failure(error);
}

template <class T = void>
using Result = boost::system::result<T, Error>;

/// A value as a Result, for types such as JSON that convert from and to everything.
template <class T>
Result<T> ok(T value) {
  return Result<T>(boost::system::in_place_value, std::move(value));
}

}  // namespace faultline
