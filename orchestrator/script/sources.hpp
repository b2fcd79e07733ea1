#pragma once

#include "orchestrator/engine/experiment.hpp"

#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::script {

std::string sha256_hex(std::string_view text);

/// The files that one script is made of: itself and what it uses from its tree.
///
/// A tree is the script's folder or the folder above it, so that drills/x.lua finds lib/y.lua in
/// either. Nothing outside of it can be read, not through ".." and not through a link.
class Sources {
 public:
  struct File {
    std::string name;  ///< as shown in messages
    std::string text;
    std::string sha256;
  };

  /// Each throws Failure `usage`. `open` is called once, first.
  const File& open(const std::filesystem::path& script);
  const File& add(std::string name, std::string text);
  /// `by`: the function that asks for it, for messages.
  const File& use(const std::string& name, std::string_view by = "use");

  /// Of a script alone: that of its file. With used files: that of `sha256sum`'s listing of all.
  [[nodiscard]] std::string sha256() const;
  /// The line at or below `place` that sets `field`; else the line of `place`.
  [[nodiscard]] int line_of_field(const engine::Place& place, std::string_view field) const;

 private:
  std::vector<std::filesystem::path> trees_;
  std::deque<File> files_;  ///< references to them stay good
};

}  // namespace faultline::script
