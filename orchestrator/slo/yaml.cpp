#include "orchestrator/slo/yaml.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace faultline::slo {
namespace {

constexpr std::size_t max_shown_bytes = 60;  // of a value in a message: enough to find it again

std::size_t nodes_in(const Yaml& value) {
  std::size_t count = 1;
  for (const auto& item : value.items) {
    count += nodes_in(item);
  }
  return count;
}

std::size_t depth_of(const Yaml& value) {
  std::size_t below = 0;
  for (const auto& item : value.items) {
    below = std::max(below, depth_of(item));
  }
  return below + 1;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
}

/// Builds one document from the parser's events, so that limits hold before memory is spent.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const std::string& file) : file_(file) {}
  [[nodiscard]] Yaml take() { return std::exchange(root_, Yaml()); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_at_, mark.pos) == mark.pos) {
      refuse(mark,
             "expected a new document or the end of the file, found text that belongs to "
             "nothing; check the indentation here");
    }
    if (++documents_ > max_yaml_documents) {
      refuse(mark, fmt::format("a file may hold at most {} documents", max_yaml_documents));
    }
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(mark, "?", Yaml::Kind::nothing, anchor);
    end();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (std::ranges::any_of(text, is_control)) {
      refuse(mark, fmt::format("expected text, found control characters in {}", in_quotes(text)));
    }
    auto& value = begin(mark, tag, Yaml::Kind::scalar, anchor);
    value.text = text;
    value.quoted = tag == "!";
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    begin(mark, tag, Yaml::Kind::list, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    begin(mark, tag, Yaml::Kind::map, anchor);
  }
  void OnMapEnd() override { end(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      refuse(mark, "an alias stands inside the value that it names; write the value out");
    }
    count(mark, nodes_in(known->second));
    check_depth(mark, depth_of(known->second));
    place(known->second, mark);
  }

 private:
  struct Open {
    Yaml value;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& what) const {
    throw Failure({ErrorKind::usage, fmt::format("{}:{}: {}", file_, mark.line + 1, what)});
  }
  void count(const YAML::Mark& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ > max_yaml_nodes) {
      refuse(mark, fmt::format("a file may hold at most {} values, aliases counted as what they "
                               "stand for",
                               max_yaml_nodes));
    }
  }
  void check_depth(const YAML::Mark& mark, std::size_t more) const {
    if (open_.size() + more > max_yaml_depth) {
      refuse(mark, fmt::format("values may be nested at most {} deep", max_yaml_depth));
    }
  }
  Yaml& begin(const YAML::Mark& mark, const std::string& tag, Yaml::Kind kind,
              YAML::anchor_t anchor) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(mark, fmt::format("the tag {} is not supported; leave it out", in_quotes(tag)));
    }
    count(mark, 1);
    check_depth(mark, 1);
    auto& open = open_.emplace_back();
    open.value.kind = kind;
    open.value.line = mark.line + 1;
    open.mark = mark;
    open.anchor = anchor;
    return open.value;
  }
  void end() {
    auto done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != YAML::NullAnchor) {
      count(done.mark, nodes_in(done.value));  // the copy for its aliases
      anchors_[done.anchor] = done.value;
    }
    place(std::move(done.value), done.mark);
  }
  void place(Yaml value, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& parent = open_.back().value;
    if (parent.kind == Yaml::Kind::map && parent.keys.size() == parent.items.size()) {
      if (value.kind != Yaml::Kind::scalar) {
        refuse(mark, fmt::format("a key must be a word, found {}", found(value)));
      }
      const auto same = std::ranges::find(parent.keys, value.text, &Yaml::Key::name);
      if (same != parent.keys.end()) {
        refuse(mark, fmt::format("the key {} stands here for the second time; the first is in "
                                 "line {}",
                                 in_quotes(value.text), same->line));
      }
      if (parent.keys.size() >= max_keys) {
        refuse(mark, fmt::format("a map may have at most {} keys", max_keys));
      }
      parent.keys.push_back({std::move(value.text), mark.line + 1});
    } else {
      parent.items.push_back(std::move(value));
    }
  }

  static constexpr std::size_t max_keys = 1'000;  // they are compared one by one

  const std::string& file_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  Yaml root_;
  std::size_t nodes_ = 0, documents_ = 0;
  int started_at_ = -1;  ///< the last document: a parser that is stuck begins there again
};

bool is_text(std::string_view text) {
  try {
    const auto checked = nlohmann::json(text).dump();  // throws on what is not UTF-8
    return text.find('\0') == text.npos;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// yaml-cpp passes bytes on as they are, and what is imported ends up in a record.
void check_text(std::string_view text, const std::string& file) {
  if (text.size() > max_yaml_bytes) {
    throw Failure(
        {ErrorKind::usage, fmt::format("{}:1: a file may have at most {} KiB, this one has {}",
                                       file, max_yaml_bytes / 1024, text.size() / 1024)});
  }
  if (is_text(text)) {
    return;
  }
  std::size_t line = 1;
  for (auto end = text.find('\n'); end != text.npos && is_text(text.substr(0, end));
       end = text.find('\n')) {
    text.remove_prefix(end + 1);
    ++line;
  }
  throw Failure({ErrorKind::usage,
                 fmt::format("{}:{}: expected UTF-8 text, found other bytes; give an OpenSLO "
                             "document in YAML",
                             file, line)});
}

}  // namespace

Result<std::vector<Yaml>> parse_yaml(std::string_view text, const std::string& file) {
  try {
    check_text(text, file);
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    Builder builder(file);
    std::vector<Yaml> documents;
    while (parser.HandleNextDocument(builder)) {
      auto document = builder.take();
      if (document.kind != Yaml::Kind::nothing) {
        documents.push_back(std::move(document));
      }
    }
    return documents;
  } catch (const Failure& failure) {
    return failure.error();
  } catch (const YAML::Exception& error) {
    const int line = std::max(error.mark.line, 0) + 1;
    return Error{ErrorKind::usage,
                 fmt::format("{}:{}: this is not YAML: {}", file, line, error.msg)};
  }
}

std::string found(const Yaml& value) {
  switch (value.kind) {
    case Yaml::Kind::nothing:
      return "nothing";
    case Yaml::Kind::scalar:
      return (value.quoted ? "the text " : "") + in_quotes(value.text);
    case Yaml::Kind::list:
      return "a list";
    case Yaml::Kind::map:
      return "a map";
  }
  return "nothing";
}

std::string in_quotes(std::string_view text) {
  auto shown = text.substr(0, max_shown_bytes);
  while (shown.size() < text.size() && !shown.empty() && (text[shown.size()] & 0xC0) == 0x80) {
    shown.remove_suffix(1);  // not in the middle of a character
  }
  std::string printable(shown);
  std::ranges::replace_if(
      printable, [](char c) { return c == '\n' || c == '\t' || c == '\r' || is_control(c); }, ' ');
  return fmt::format("'{}{}'", printable, shown.size() < text.size() ? "..." : "");
}

}  // namespace faultline::slo
