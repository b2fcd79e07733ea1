#pragma once

#include "orchestrator/script/loader.hpp"
#include "orchestrator/script/value.hpp"

namespace faultline::script {

/// Applies `--variant` and `--var` to an experiment's default parameters, in this order. Values
/// must be among those of a `one_of`, and of the default's type. Throws Failure `usage`.
void apply_options(Definition& definition, const LoadOptions& options);

/// Refuses a value that its parameter cannot have: `what` is "variant 2" or "--var".
void check_param(const Definition& definition, const std::string& name, const Json& value,
                 const std::string& what);

/// "20s", "500ms", "5m", "5minute", "1.5 hour", "1h".
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace faultline::script
