#pragma once

#include <set>
#include <string>

namespace faultline::load {

/// What unexpected statuses of one probe are called. A service that explains itself, with a status
/// from 400 and the body {"error": "payment: connect timed out"}, gives "status 504: payment:
/// connect timed out"; anything else is "status 504".
class StatusClasses {
 public:
  /// Explanations are cut at 80 characters, and what is not printable ASCII becomes '?'. After 32
  /// different ones (a text with a number in it, say) new ones are left out.
  std::string name(unsigned status, const std::string& body);

 private:
  std::set<std::string> explained_;
};

}  // namespace faultline::load
