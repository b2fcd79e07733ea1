#pragma once

#include "targets/lab/supervisor_children.hpp"

#include <filesystem>

namespace faultline::lab {

/// Gives the folder that the databases' data is copied from, made on first use (`faultline-saas
/// db-template`) and kept in `cache` for every later lab; where that cannot be written, in
/// `fallback`. `making` is called when it has to be made.
void prepare_template(Children& children, const std::string& program,
                      const std::filesystem::path& cache, const std::filesystem::path& fallback,
                      const std::function<void()>& making,
                      targets::Done<std::filesystem::path> done);

}  // namespace faultline::lab
