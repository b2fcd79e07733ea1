#include "orchestrator/store/journal.hpp"

#include "orchestrator/cli/commands.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/guard/leftovers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <thread>

/// What the journals of this home say, for people: looks, and changes nothing.
namespace faultline::cli {
namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// A step of a fault, or a note.
struct Step {
  std::string at, type, words;
};

/// What happened to one fault, in the words of its journal.
struct Story {
  std::string fault, kind, run;
  bool open = false;
  std::vector<Step> steps;
};

/// A journal and the segment beside it, as one.
struct Pages {
  fs::path journal;
  std::vector<Story> stories;  ///< in the order of injection; notes are under no fault
  std::map<std::string, std::size_t, std::less<>> by_fault = {};
  std::vector<std::string> problems;
  [[nodiscard]] auto open() const { return std::ranges::count_if(stories, &Story::open); }
};

std::string text_in(const json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<Step> intention(const json& record) {
  std::vector<Step> steps;
  for (const auto& action : record.value("actions", json::array())) {
    const auto undo = text_in(action, "undo_summary");
    steps.push_back({steps.empty() ? text_in(record, "at") : "", steps.empty() ? "intended" : "",
                     text_in(action, "summary") +
                         (undo.empty() ? "; nothing to undo" : "; undone by: " + undo)});
  }
  return steps;
}

Step other_step(const json& record) {
  std::string words = text_in(record, "text");
  for (const auto* key : {"by", "resource", "reason"}) {
    if (const auto value = text_in(record, key); !value.empty()) {
      words += fmt::format("{}{} {}", words.empty() ? "" : ", ", key, value);
    }
  }
  return {text_in(record, "at"), text_in(record, "type"), words};
}

void take(Pages& pages, const store::Entry& entry) {
  const auto record = json::parse(entry.text, nullptr, false);
  if (!record.is_object() || entry.kind == store::RecordKind::lasting) {
    return;
  }
  const auto [found, fresh] =
      pages.by_fault.try_emplace(std::string(entry.fault), pages.stories.size());
  if (fresh) {
    pages.stories.push_back({.fault = found->first, .kind = {}, .run = {}, .steps = {}});
  }
  auto& story = pages.stories[found->second];
  if (entry.kind == store::RecordKind::intended) {
    story.kind = text_in(record, "kind");
    story.run = entry.run;
    story.open = true;
    std::ranges::move(intention(record), std::back_inserter(story.steps));
    return;
  }
  story.open = story.open && !store::closes(entry.kind);
  story.steps.push_back(other_step(record));
}

/// Open until whoever recovers has found nothing of it in force.
void take_damage(Pages& pages, const json& damaged) {
  pages.by_fault.emplace(text_in(damaged, "fault"), pages.stories.size());
  pages.stories.push_back(
      {.fault = text_in(damaged, "fault"),
       .kind = text_in(damaged, "kind"),
       .run = text_in(damaged, "run"),
       .open = true,
       .steps = {{"", "damaged", "undone by: putting back whatever its environment has in force"},
                 {"", "", "holds " + text_in(damaged, "resource")}}});
}

Result<Pages> look(const fs::path& journal) {
  Pages pages{.journal = journal, .stories = {}, .problems = {}};
  for (const auto& file : {journal, store::undo_segment(journal)}) {
    const auto scanned = store::scan_file(file, [&](const store::Entry& entry) -> Result<> {
      take(pages, entry);
      return {};
    });
    if (!scanned) {
      return scanned.error();
    }
    if (file == journal && !scanned->damage.empty()) {
      take_damage(pages, store::damaged(journal, scanned->damage));
    }
    std::ranges::move(store::problems_of(file, scanned->torn_bytes, scanned->damage),
                      std::back_inserter(pages.problems));
  }
  return pages;
}

/// A record that is being written looks torn for a moment.
Result<Pages> look_patiently(const fs::path& journal) {
  constexpr auto a_write = std::chrono::milliseconds(50);
  auto pages = look(journal);
  if (pages && !pages->problems.empty()) {
    std::this_thread::sleep_for(a_write);
    pages = look(journal);
  }
  return pages;
}

void print(const Pages& pages) {
  const auto open = pages.open();
  fmt::print(
      "{}: {} open, {} closed\n", pages.journal.string(), open,
      std::ranges::count_if(pages.stories, [](const Story& s) { return !s.fault.empty(); }) - open);
  for (const auto& problem : pages.problems) {
    fmt::print("  {}\n", problem);
  }
  for (const auto& story : pages.stories) {
    if (!story.fault.empty()) {
      fmt::print("  {} {} ({}), run {}\n", story.open ? "OPEN  " : "closed", story.fault,
                 story.kind.empty() ? "its intention is lost" : story.kind, story.run);
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& step : story.steps) {
      rows.push_back({step.at, step.type, step.words});
    }
    fmt::print("{}", aligned(rows, 4));
  }
}

json as_json(const Pages& pages) {
  json faults = json::array();
  for (const auto& story : pages.stories) {
    json steps = json::array();
    for (const auto& step : story.steps) {
      steps.push_back({{"at", step.at}, {"type", step.type}, {"words", step.words}});
    }
    faults.push_back({{"fault", story.fault},
                      {"kind", story.kind},
                      {"run", story.run},
                      {"open", story.open},
                      {"steps", steps}});
  }
  return {{"journal", pages.journal.string()},
          {"open", pages.open()},
          {"problems", pages.problems},
          {"faults", faults}};
}

int show_journals(const Context& context, bool as_lines) {
  int code = 0;
  std::vector<Pages> all;
  for (const auto& file : guard::journals_of(context.home)) {
    auto pages = look_patiently(file);
    if (pages) {
      std::ranges::stable_sort(pages->stories, std::greater(), &Story::open);
      all.push_back(std::move(*pages));
    } else {
      code = report(pages.error());
    }
  }
  std::ranges::stable_sort(all, std::greater(), &Pages::open);
  for (const auto& pages : all) {
    if (as_lines) {
      std::cout << as_json(pages).dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
    } else {
      print(pages);
    }
  }
  if (all.empty() && code == 0 && !as_lines) {
    fmt::print("no journals in {}: nothing is open\n", (context.home / "journal").string());
  }
  return code;
}

}  // namespace

void add_journal(CLI::App& app, Context& context) {
  auto as_lines = std::make_shared<bool>(false);
  auto* command = app.add_subcommand(
      "journal", "what was intended, applied, reverted and closed; what is open comes first");
  command->add_flag("--json", *as_lines, "JSON Lines, one object a journal");
  command->callback([as_lines, &context] {
    context.action = [as_lines, &context] { return show_journals(context, *as_lines); };
  });
}

}  // namespace faultline::cli
