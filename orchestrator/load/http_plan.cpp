#include "orchestrator/load/http_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace faultline::load {
namespace {

/// A stalled service gets so many connections; further requests wait, and their wait counts.
constexpr double default_connections = 512;
constexpr double max_connections = 10'000;  // half of the descriptors a process may have here
constexpr std::size_t max_messages = 100;
constexpr double max_weight = 1e6;
constexpr double max_sessions = 10'000;
constexpr std::size_t max_rows = 100'000, max_columns = 100;
constexpr std::array<std::string_view, 7> methods{"GET",    "HEAD",  "POST",   "PUT",
                                                  "DELETE", "PATCH", "OPTIONS"};

/// A path that was filled in may hold what a request line may not.
void append_path(const std::string& path, std::string& out) {
  for (const char c : path) {
    if (c > 0 && c <= ' ') {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
}

class Reader {
 public:
  Reader(const Spec& spec, HttpPlan& plan) : spec_(spec), plan_(plan) {}

  Result<> read();

 private:
  [[nodiscard]] std::string what(const std::string& part) const {
    return where(spec_) + (part.empty() ? "" : ": " + part);
  }
  void read_rows(Fields& args);
  void read_tls(Fields& args, const std::string& host);
  void read_messages(Fields& args);
  void read_sessions(Fields& args);
  /// Reads the fields of a request; `fields` says itself when one is wrong.
  HttpMessage read_message(Fields& fields);
  Template read_template(Fields& fields, const char* name, const std::string& text);
  void take_problem(Fields& into, const Result<>& result) {
    if (!result) {
      into.wrong(result.error().message);
    }
  }

  const Spec& spec_;
  HttpPlan& plan_;
  Known known_;
};

Template Reader::read_template(Fields& fields, const char* name, const std::string& text) {
  auto parsed = Template::parse(text, known_);
  if (!parsed) {
    fields.wrong(fmt::format("'{}': {}", name, parsed.error().message));
    return {};
  }
  return std::move(*parsed);
}

HttpMessage Reader::read_message(Fields& fields) {
  HttpMessage message;
  message.method = fields.text("method", "GET");
  message.head = message.method == "HEAD";
  if (std::ranges::find(methods, message.method) == methods.end()) {
    fields.wrong(fmt::format("'method' must be one of {}, found '{}'", fmt::join(methods, ", "),
                             message.method));
  }
  const auto path = fields.text("path", "/");
  if (!path.starts_with('/')) {
    fields.wrong("'path' must begin with '/', found '" + path + "'");
  }
  message.path = read_template(fields, "path", path);
  message.body = read_template(fields, "body", fields.text("body", ""));
  for (const auto& [name, value] : fields.pairs("headers")) {
    if (name.empty() || has_control(name) || has_control(value) ||
        name.find_first_of(": ") != name.npos) {
      fields.wrong(fmt::format("'headers': '{}' is no header", name));
    }
    message.headers.emplace_back(name, read_template(fields, "headers", value));
  }
  message.expectation = AnswerExpectation(Fields(fields.object("expect"), "'expect'"));
  take_problem(fields, message.expectation.checked());
  const bool fixed = message.path.fixed() && message.body.fixed() &&
                     std::ranges::all_of(message.headers,
                                         [](const auto& header) { return header.second.fixed(); });
  if (fixed) {
    std::string text;
    message.render(plan_.host, {}, text);
    message.fixed = std::move(text);
  }
  return message;
}

void Reader::read_rows(Fields& args) {
  const auto given = args.object("rows");
  if (given.empty()) {
    return;
  }
  Fields fields(given, "'rows'");
  plan_.rows.columns = fields.texts("columns");
  for (const auto& row : fields.lists("rows", max_rows)) {
    const bool clean = row.size() == plan_.rows.columns.size() &&
                       std::ranges::none_of(row, [](const auto& t) { return has_control(t); });
    if (!clean) {
      fields.wrong(fmt::format("row {}: expected {} texts without control characters",
                               plan_.rows.rows.size() + 1, plan_.rows.columns.size()));
      break;
    }
    plan_.rows.rows.push_back(row);
  }
  if (plan_.rows.rows.empty() || plan_.rows.columns.size() > max_columns) {
    fields.wrong(fmt::format("expected at least one row and at most {} columns", max_columns));
  }
  take_problem(args, fields.done());
  known_.columns = plan_.rows.columns;
}

void Reader::read_tls(Fields& args, const std::string& host) {
  if (!args.has("tls")) {
    return;
  }
  Fields fields(args.object("tls"), "'tls'");
  auto client = TlsClient::make(fields.text("name", host), fields.text("ca", ""));
  take_problem(args, fields.done());
  if (client) {
    plan_.tls = std::move(*client);
  } else {
    args.wrong(client.error().message);
  }
}

void Reader::read_sessions(Fields& args) {
  if (!args.has("sessions")) {
    return;
  }
  Fields fields(args.object("sessions"), "'sessions'");
  HttpSessions sessions;
  sessions.count = static_cast<std::size_t>(fields.number("count", 1, max_sessions));
  auto token = json_path(fields.text("token", "token"));
  if (!token) {
    fields.wrong("'token': " + token.error().message);
  } else {
    sessions.token = std::move(*token);
  }
  Fields login(fields.object("login"), "'login'");
  sessions.login = read_message(login);
  take_problem(fields, login.done());
  take_problem(args, fields.done());
  plan_.sessions = std::move(sessions);
  known_.token = true;  // from here on; the login itself has none yet
}

void Reader::read_messages(Fields& args) {
  if (!args.has("mix")) {
    plan_.messages.push_back(read_message(args));
    return;
  }
  for (const auto& item : args.objects("mix", max_messages)) {
    Fields fields(item, fmt::format("'mix', request {}", plan_.messages.size() + 1));
    const auto name = fields.text("name", "");
    const double weight = fields.number("weight", 0, max_weight, 1);
    plan_.messages.push_back(read_message(fields));
    plan_.messages.back().name = name;
    plan_.messages.back().weight = weight;
    take_problem(args, fields.done());
  }
  const bool any = std::ranges::any_of(plan_.messages, [](const auto& m) { return m.weight > 0; });
  if (!any) {
    args.wrong("'mix' must have at least one request with a weight above 0");
  }
}

Result<> Reader::read() {
  Fields args(spec_.args, where(spec_));
  const auto host = args.text("host");
  const auto port = args.number("port", 1, 65'535, 80);
  plan_.host = args.text("authority", fmt::format("{}:{}", host, port));
  if (has_control(plan_.host) || plan_.host.find(' ') != plan_.host.npos) {
    args.wrong("'authority' must be HOST:PORT, found '" + plan_.host + "'");
  }
  plan_.connections =
      static_cast<std::size_t>(args.number("connections", 1, max_connections, default_connections));
  plan_.keep_alive = args.flag("keep_alive", true);
  read_rows(args);
  read_tls(args, host);
  read_sessions(args);
  read_messages(args);
  if (const auto done = args.done(); !done) {
    return done.error();
  }
  const auto to = destination(host, port, spec_.allow);
  if (!to) {
    return to.error();
  }
  plan_.to = *to;
  return {};
}

}  // namespace

void HttpMessage::render(const std::string& host, const Draw& draw, std::string& out) const {
  if (!fixed.empty()) {
    out += fixed;
    return;
  }
  out.append(method).append(" ");
  append_path(path.render(draw), out);
  out.append(" HTTP/1.1\r\nHost: ").append(host).append("\r\nUser-Agent: faultline\r\n");
  for (const auto& [header, value] : headers) {
    out.append(header).append(": ");
    value.render(draw, out);
    out.append("\r\n");
  }
  const auto content = body.render(draw);
  const bool carries_body =
      !content.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (carries_body) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", content.size());
  }
  out.append("\r\n").append(content);
}

const HttpMessage& HttpPlan::choose(std::mt19937_64& random) const {
  if (messages.size() == 1) {
    return messages.front();
  }
  double total = 0;
  for (const auto& message : messages) {
    total += message.weight;
  }
  double drawn = std::uniform_real_distribution<double>(0, total)(random);
  for (const auto& message : messages) {
    if (drawn < message.weight) {
      return message;
    }
    drawn -= message.weight;
  }
  return messages.back();
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

Result<HttpPlan> parse_http(const Spec& spec) {
  HttpPlan plan;
  if (const auto read = Reader(spec, plan).read(); !read) {
    return read.error();
  }
  return plan;
}

}  // namespace faultline::load
