#pragma once

#include <string>
#include <string_view>

namespace faultline::services {

/// What a role answers, without HTTP's machinery. The body is JSON.
struct Answer {
  int status = 200;
  std::string body;
  std::string degraded{};  ///< what is missing, when served with less: the header X-Degraded
};

/// { "error": why }
Answer failed(int status, std::string_view why);

/// Names in requests become keys in the store: letters, digits, '-', '_' and '.', at most 64.
bool is_name(std::string_view text);

}  // namespace faultline::services
