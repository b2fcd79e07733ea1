#include "orchestrator/script/sources.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

namespace faultline::script {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t max_file_bytes = 1 << 20;  // a script is a page or two
constexpr std::size_t max_files = 64;               // that one script is made of
constexpr int max_table_lines = 400;                // in which a field is looked for

[[noreturn]] void refuse(std::string message) {
  throw Failure({ErrorKind::usage, std::move(message)});
}

std::string read(const fs::path& path, const std::string& name) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    refuse(fmt::format("{}: expected a script file, found {}", name,
                       fs::exists(path, error) ? "something else" : "nothing there"));
  }
  if (fs::file_size(path, error) > max_file_bytes) {
    refuse(fmt::format("{}: a script may have at most {} KiB", name, max_file_bytes / 1024));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad() || !file.is_open()) {
    refuse(fmt::format("{}: cannot be read; check its permissions", name));
  }
  return text;
}

bool inside(const fs::path& tree, const fs::path& path) {
  const auto [end, rest] = std::mismatch(tree.begin(), tree.end(), path.begin(), path.end());
  return end == tree.end() && rest != path.end();
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// True when the line holds `field =`, as a whole word and not a comparison.
bool sets(std::string_view line, std::string_view field) {
  for (auto at = line.find(field); at != line.npos; at = line.find(field, at + 1)) {
    auto after = at + field.size();
    if ((at > 0 && is_word(line[at - 1])) || (after < line.size() && is_word(line[after]))) {
      continue;
    }
    while (after < line.size() && (line[after] == ' ' || line[after] == '\t')) {
      ++after;
    }
    if (line.substr(after).starts_with('=') && !line.substr(after).starts_with("==")) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Failure({ErrorKind::io, "SHA-256 is not available in this OpenSSL"});
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += fmt::format("{:02x}", digest[i]);
  }
  return hex;
}

const Sources::File& Sources::add(std::string name, std::string text) {
  auto hash = sha256_hex(text);
  files_.push_back({std::move(name), std::move(text), std::move(hash)});
  return files_.back();
}

const Sources::File& Sources::open(const fs::path& script) {
  const auto& file = add(script.string(), read(script, script.string()));
  const auto folder = fs::canonical(script).parent_path();
  trees_ = {folder, folder.parent_path()};
  return file;
}

const Sources::File& Sources::use(const std::string& name, std::string_view by) {
  const fs::path path(name);
  const bool climbs = std::ranges::find(path, fs::path("..")) != path.end();
  if (name.empty() || path.is_absolute() || climbs || name.find('\0') != name.npos) {
    refuse(
        fmt::format("{} takes a file of the script's own tree such as \"lib/shop.lua\", found "
                    "'{}'",
                    by, name));
  }
  if (files_.size() >= max_files) {
    refuse(fmt::format("a script may use at most {} files", max_files - 1));
  }
  for (const auto& tree : trees_) {
    std::error_code error;
    const auto real = fs::canonical(tree / path, error);
    if (error) {
      continue;
    }
    if (!inside(tree, real)) {
      refuse(
          fmt::format("{} \"{}\" leads out of the script's tree; copy the file into it", by, name));
    }
    return add(name, read(real, name));
  }
  refuse(trees_.empty()
             ? fmt::format("{} \"{}\": a built-in script has no files beside it", by, name)
             : fmt::format("{} \"{}\": no such file in {} or the folder above", by, name,
                           trees_.front().string()));
}

std::string Sources::sha256() const {
  if (files_.size() == 1) {
    return files_.front().sha256;
  }
  std::string listing;
  for (const auto& file : files_) {
    listing += fmt::format("{}  {}\n", file.sha256, file.name);
  }
  return sha256_hex(listing);
}

int Sources::line_of_field(const engine::Place& place, std::string_view field) const {
  std::string_view shown(place.file);
  if (shown.starts_with("...")) {
    shown.remove_prefix(3);  // Lua keeps the end of a long name
  }
  const auto file = std::ranges::find_if(
      files_, [&](const File& f) { return std::string_view(f.name).ends_with(shown); });
  if (file == files_.end() || field.empty()) {
    return place.line;
  }
  std::string_view rest(file->text);
  for (int line = 1; line < place.line + max_table_lines; ++line) {
    const auto end = rest.find('\n');
    if (line >= place.line && sets(rest.substr(0, end), field)) {
      return line;
    }
    if (end == rest.npos) {
      break;
    }
    rest.remove_prefix(end + 1);
  }
  return place.line;
}

}  // namespace faultline::script
