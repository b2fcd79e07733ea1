#pragma once

#include "targets/error.hpp"
#include "targets/lab/database/command.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace faultline::database {

/// The manager's decisions: what the nodes say and what became of commands goes in, commands come
/// out. No I/O and no clock: every call tells the time, which never goes back.
class Cluster {
 public:
  struct Member {
    std::string name, address;  ///< "a-db", "10.0.1.30:3306"
  };
  struct Settings {
    std::vector<Member> members;
    std::string home;      ///< preferred among equals
    Duration detection{};  ///< without an answer for so long, a node is lost
    bool semi_sync = false;
  };

  /// Why and how the writable role moved.
  struct Move {
    std::string from, to, why;
    bool planned = false;
    Instant lost_contact{}, detected{};
    std::optional<Instant> promoted, endpoint;  ///< writable itself; reached through the endpoint
  };
  struct NodeStatus {
    std::string name, role, words;
    bool healthy = false;
    std::optional<Duration> lag;
  };
  struct Status {
    std::string rw;
    bool moving = false;
    std::vector<NodeStatus> nodes;
    std::deque<Move> moves;  ///< the last ones, the newest at the end
    std::string given_up;    ///< why the last move did not succeed, when it did not
  };
  /// What it noticed and decided about the writable role, for people and drills.
  struct Step {
    enum class Kind {
      detected,  ///< `node` is lost as the writable one
      decided,   ///< `node` is to become it
      done,      ///< `node` is reached as such through the endpoint
    };
    Kind kind{};
    std::string node, why;
  };
  /// How connections may use a node.
  enum class Door {
    closed,   ///< none; those that exist are ended
    leaving,  ///< no new ones
    open,
  };
  struct Doors {
    Door rw = Door::closed, ro = Door::closed;
    bool operator==(const Doors&) const = default;
  };

  Cluster(Settings settings, Instant now);

  void observe(const Observation& seen);
  void finish(const Outcome& outcome);
  void endpoint_reached(const std::string& node, Instant at);  ///< its `rw` door is open in effect
  /// Error `refused` when it may not be begun now. It has ended when `status().moving` is false; it
  /// succeeded when the asked node is then `rw`.
  Result<> ask_switchover(const std::string& to, Instant now);
  /// What is to be done now. Call it after every event, and every 50 ms.
  std::vector<Command> decide(Instant now);

  /// What has happened since the last call, each once and in order.
  std::vector<Step> take_steps();

  [[nodiscard]] std::map<std::string, Doors> doors() const;
  [[nodiscard]] Status status(Instant now) const;

 private:
  struct Node {
    std::string name, address;
    Instant last_answer{}, changed{};
    bool ever = false, in_reads = false, lost = false;
    int unanswered = 0;  ///< questions, since the last answer
    NodeView view;       ///< the last one that was asked after `changed`
    bool fresh = false;  ///< `view` is the last answer
    std::uint64_t doing = 0;
    Instant good_at{}, linked{}, followed{}, revived{}, recloned{};
    int follows = 0;  ///< since it was in sync
  };
  enum class Stage { none, draining, holding, promoting };

  [[nodiscard]] Node* find(const std::string& name);
  [[nodiscard]] const Node* find(const std::string& name) const;
  /// One question alone may have met a busy machine.
  [[nodiscard]] bool answering(const Node& node) const { return node.ever && node.unanswered < 2; }
  [[nodiscard]] bool readable(const Node& node) const {
    return node.ever && node.unanswered == 0 && node.fresh && node.doing == 0;
  }
  [[nodiscard]] bool in_sync(const Node& node, Instant now) const;
  [[nodiscard]] std::optional<Duration> lag(const Node& node, Instant now) const;
  [[nodiscard]] std::string words(const Node& node, Instant now) const;
  [[nodiscard]] std::size_t needed() const;
  [[nodiscard]] std::string best_of(const std::map<std::string, Position>& standing) const;
  [[nodiscard]] const Node* writable() const;  ///< rw, when it answers and is writable

  void notice_loss(Instant now);
  void remember_progress(const Observation& seen);
  void find_rw(Instant now);
  void watch_rw(Instant now);
  void begin(Move move, Instant now);
  void elect_among_held();
  void choose(const std::string& node);
  void advance(Instant now);
  void end_move(const Outcome& promotion);
  void give_up(const std::string& why);
  void mend(Node& node, Instant now);
  void mend_replica(Node& node, Instant now);
  void choose_reads(Instant now);
  void finish_move_step(const Outcome& outcome);
  void issue(Node& node, Act act, std::string source = {}, Position position = {});

  Settings settings_;
  std::vector<Node> nodes_;
  std::string rw_;
  Stage stage_ = Stage::none;
  std::optional<Move> move_, unfinished_;
  std::string given_up_;
  Instant stage_began_{};
  std::map<std::string, std::optional<Position>> held_;  ///< none: no outcome yet
  std::deque<Move> moves_;
  std::deque<std::pair<Instant, std::uint64_t>> progress_;  ///< of rw
  std::vector<Command> commands_;
  std::vector<Step> steps_;
  std::optional<Instant> detected_;  ///< when rw was found lost; none while it is well
  std::uint64_t last_id_ = 0;
};
std::string_view to_string(Cluster::Step::Kind kind);

}  // namespace faultline::database
