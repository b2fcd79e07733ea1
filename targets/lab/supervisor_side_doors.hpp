#pragma once

#include "targets/lab/config.hpp"
#include "targets/lab/supervisor_components.hpp"
#include "targets/lab/supervisor_lifted.hpp"
#include "targets/target.hpp"

#include <boost/asio/io_context.hpp>

#include <map>
#include <string>
#include <utility>

namespace faultline::lab {

/// Tells parts of the lab (wire, metadata, dependency) through their control sockets what an action
/// adds to them, under its id, and what is removed.
class SideDoors {
 public:
  SideDoors(boost::asio::io_context& io, const Components& components, const Places& places,
            Lifted lifted)
      : io_(io), components_(components), places_(places), lifted_(std::move(lifted)) {}

  /// A part's words for adding under a name and for removing it: {"add", "remove"}.
  struct Verbs {
    const char* add;
    const char* remove;
  };
  static constexpr Verbs layer{"add", "remove"};
  static constexpr Verbs announcement{"announce", "withdraw"};

  /// `what` is added under the action's id. Error `refused` in the part's words; `timeout` when it
  /// does not answer.
  void add(const std::string& component, const std::string& action, Verbs verbs,
           const targets::Json& what, targets::Done<void> done);
  /// Idempotent: a part that is dead has forgotten by itself. Error `conflict` when there is
  /// something else under the action's id than was added; it is left alone.
  void remove(const std::string& component, const std::string& action, Verbs verbs,
              targets::Done<void> done);

 private:
  using Json = targets::Json;
  void tell(const std::string& component, const Json& request, targets::Done<Json> done);
  void remove_seen(const std::string& component, const std::string& action, Verbs verbs,
                   const Json& shown, targets::Done<void> done);

  boost::asio::io_context& io_;
  const Components& components_;
  const Places& places_;
  Lifted lifted_;
  struct Added {
    Json what;
    bool surely = false;    ///< the part said so
    bool removing = false;  ///< the part was told so
  };
  std::map<std::pair<std::string, std::string>, Added> added_;  // by component and action
};

/// What a part shows under the action's id, without the id; null when there is nothing.
targets::Json shown_under(const targets::Json& shown, const std::string& action);

}  // namespace faultline::lab
