#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace faultline::report {

/// `text` as it may stand between tags and in quoted attributes: nothing in it is markup.
std::string escape(std::string_view text);

/// `template_text` with each {{name}} replaced by its value, once: values are not searched again.
std::string fill(std::string_view template_text,
                 const std::vector<std::pair<std::string_view, std::string>>& values);

}  // namespace faultline::report
