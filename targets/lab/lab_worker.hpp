#pragma once

#include "targets/lab/connection.hpp"

#include <filesystem>

namespace faultline::lab {

/// Runs `program` with the spec's arguments at the spec's host: lines in, lines out. Its standard
/// error is appended to `log`. `spec.on_exit` comes after the last line; nothing comes once the
/// worker is dropped.
void start_worker(const std::shared_ptr<Connection>& connection, targets::WorkerSpec spec,
                  const std::filesystem::path& program, const std::filesystem::path& log,
                  targets::Done<std::unique_ptr<targets::Worker>> done);

}  // namespace faultline::lab
