#pragma once

#include <fmt/format.h>

#include <cstdio>

namespace faultline {

/// For people: what cannot be written, to a pipe whose reader has gone or a full disk, is dropped,
/// and work goes on. What a program reads is written with fmt::print, which throws.
template <class... Args>
void say(std::FILE* to, fmt::format_string<Args...> format, Args&&... args) {
  const auto text = fmt::format(format, std::forward<Args>(args)...);
  (void)std::fwrite(text.data(), 1, text.size(), to);
  (void)std::fflush(to);
}

}  // namespace faultline
