#include "targets/lab/supervisor_side_doors.hpp"

#include "targets/lab/supervisor_http.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace faultline::lab {
namespace {

constexpr Duration limit = std::chrono::seconds(2);  // it takes a millisecond

}  // namespace

targets::Json shown_under(const targets::Json& shown, const std::string& action) {
  const auto announced = shown.value("announced", targets::Json::object());
  if (announced.contains(action)) {
    return announced.at(action);
  }
  for (auto layer : shown.value("layers", targets::Json::array())) {
    if (layer.value("id", "") == action) {
      layer.erase("id");
      return layer;
    }
  }
  return nullptr;
}

void SideDoors::tell(const std::string& component, const Json& request, targets::Done<Json> done) {
  ask(io_, side_door_question(control_socket(places_, component), request, limit),
      [component, done = std::move(done)](const Heard& heard) {
        auto answer = side_door_answer(heard);
        done(answer ? std::move(answer)
                    : Error{answer.error().kind,
                            fmt::format("{}: {}", component, answer.error().message)});
      });
}

void SideDoors::add(const std::string& component, const std::string& action, Verbs verbs,
                    const Json& what, targets::Done<void> done) {
  added_[{component, action}] = {what};
  Json request = what;
  request[verbs.add] = action;
  tell(
      component, request,
      [this, key = std::pair(component, action), done = std::move(done)](const Result<Json>& told) {
        if (told) {
          added_[key].surely = true;
        } else if (told.error().kind == ErrorKind::refused) {
          added_.erase(key);  // else the answer was lost, and it may be there
        }
        done(told ? Result<>{} : Result<>(told.error()));
      });
}

void SideDoors::remove(const std::string& component, const std::string& action, Verbs verbs,
                       targets::Done<void> done) {
  if (components_.state(component) == targets::ProcessState::dead) {
    added_.erase({component, action});
    boost::asio::post(io_, [done = std::move(done)] { done(Result<>{}); });
    return;
  }
  tell(component, {{"show", true}},
       [this, component, action, verbs, done = std::move(done)](const Result<Json>& shown) {
         if (shown) {
           remove_seen(component, action, verbs, *shown, done);
         } else {
           done(shown.error());
         }
       });
}

void SideDoors::remove_seen(const std::string& component, const std::string& action, Verbs verbs,
                            const Json& shown, targets::Done<void> done) {
  const auto found = shown_under(shown, action);
  const std::pair key(component, action);
  const auto added = added_.find(key);
  if (added == added_.end()) {
    done(Result<>{});  // whatever is there is not the action's
  } else if (found.is_null()) {
    const bool lifted = added->second.surely && !added->second.removing;
    added_.erase(added);
    if (lifted) {
      lifted_(action, fmt::format("{} had it no more", component));
    }
    done(Result<>{});
  } else if (found != added->second.what) {
    done(Error{ErrorKind::conflict,
               fmt::format("somebody else changed what {} has under {}: {} was added, {} is there "
                           "now; it was left as it is, remove it by hand when nobody needs it",
                           component, action, added->second.what.dump(), found.dump())});
  } else {
    added->second.removing = true;
    tell(component, {{verbs.remove, action}},
         [this, key, done = std::move(done)](const Result<Json>& told) {
           if (told) {
             added_.erase(key);
           }
           done(told ? Result<>{} : Result<>(told.error()));
         });
  }
}

}  // namespace faultline::lab
