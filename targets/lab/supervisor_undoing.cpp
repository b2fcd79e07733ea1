#include "targets/lab/supervisor_undoing.hpp"

namespace faultline::lab {

void Undoing::undo(const targets::Action& action, targets::Done<void> done) {
  auto& waiting = under_way_[action.id];
  waiting.push_back(std::move(done));
  if (waiting.size() == 1) {
    undo_(action, [this, id = action.id](const Result<>& result) { ended(id, result); });
  }
}

void Undoing::after(const std::string& action, std::function<void()> then) {
  if (const auto it = under_way_.find(action); it != under_way_.end()) {
    it->second.push_back([then = std::move(then)](const Result<>&) { then(); });
  } else {
    then();
  }
}

void Undoing::ended(const std::string& action, const Result<>& result) {
  result ? ownership_.reverted(action) : ownership_.not_reverted(action);
  const auto waiting = under_way_.extract(action);
  for (const auto& done : waiting.mapped()) {
    done(result);
  }
}

}  // namespace faultline::lab
