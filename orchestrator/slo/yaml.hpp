#pragma once

#include "targets/error.hpp"

#include <string>
#include <string_view>
#include <vector>

/// YAML as a tree of plain values that know their lines; the library behind it stays in yaml.cpp.
namespace faultline::slo {

struct Yaml {
  enum class Kind { nothing, scalar, list, map };
  struct Key {
    std::string name;
    int line = 1;
  };
  Kind kind = Kind::nothing;
  int line = 1;             ///< counted from 1
  std::string text;         ///< of a scalar
  bool quoted = false;      ///< '5', "5" or a block: a text, never a number or a truth value
  std::vector<Key> keys;    ///< of a map, each once; its values are `items`, in the same order
  std::vector<Yaml> items;  ///< of a list or a map
};

/// What a file may hold: far more than hand-written objectives need, and read in milliseconds.
constexpr std::size_t max_yaml_bytes = 1 << 20;
constexpr std::size_t max_yaml_documents = 1'000;
constexpr std::size_t max_yaml_nodes = 100'000;  ///< aliases count as what they stand for
constexpr std::size_t max_yaml_depth = 32;       ///< OpenSLO needs 12

/// The documents of a file that are not empty, in order. Anchors and aliases are followed; a key
/// stands once in its map; tags and keys that are not words are refused. Error `usage`, beginning
/// with "FILE:LINE: ".
Result<std::vector<Yaml>> parse_yaml(std::string_view text, const std::string& file);

/// For "found ..." in messages: "'0.99'", "the text '0.99'", "a list", "nothing".
std::string found(const Yaml& value);
/// `text` in quotes, cut and without control characters, for messages.
std::string in_quotes(std::string_view text);

}  // namespace faultline::slo
