#include "targets/lab/services/answer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace faultline::services {

Answer failed(int status, std::string_view why) {
  return {status, nlohmann::json{{"error", why}}.dump()};
}

bool is_name(std::string_view text) {
  constexpr std::size_t max_length =
      64;  // longer than any tenant, user or product; keys stay small
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= max_length &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace faultline::services
