#include "orchestrator/load/sql_error.hpp"

#include "orchestrator/load/network_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace faultline::load {
namespace {

std::string lost_class(const sql::Failure& failure) {
  constexpr std::array known{ECONNREFUSED, ECONNRESET,  EPIPE,         ECONNABORTED, ETIMEDOUT,
                             EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EMFILE};
  if (std::ranges::find(known, failure.system_error) == known.end()) {
    return "closed early";  // the library's word for it: "Lost connection to server"
  }
  return error_class({failure.system_error, boost::system::system_category()}, failure.connecting);
}

}  // namespace

std::string sql_error_class(const sql::Failure& failure) {
  using Kind = sql::Failure::Kind;
  switch (failure.kind) {
    case Kind::none:
      return "";
    case Kind::late:
      return failure.connecting ? "connect timeout" : "timeout";
    case Kind::lost:
      return lost_class(failure);
    case Kind::ending:
      return "server shutting down";
    case Kind::read_only:
      return "read only";
    case Kind::full:
      return "too many connections";
    case Kind::denied:
      return "access denied";
    case Kind::locked:
    case Kind::other:
      break;
  }
  return "sql error " + std::to_string(failure.number);
}

}  // namespace faultline::load
