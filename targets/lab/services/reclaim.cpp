#include "targets/lab/services/reclaim.hpp"

namespace faultline::services {
namespace {

constexpr auto termination_time = "/latest/meta-data/instance/spot/termination-time";
constexpr auto token_lifetime_s = "21600";  ///< the longest that ECS gives

}  // namespace

void Reclaim::ask() {
  if (token_.empty() && !renew_token()) {
    return;
  }
  const CallReply reply =
      metadata_({"GET", termination_time, {{"X-aliyun-ecs-metadata-token", token_}}, ""});
  if (reply.answered() && (reply.status == 401 || reply.status == 403)) {
    token_.clear();  // the service was started anew: it knows no tokens of before
  } else if (reply.answered() && reply.status == 200) {
    learn(true, reply.body);
  } else if (reply.answered() && reply.status == 404) {
    learn(false, "");
  }
}

bool Reclaim::renew_token() {
  const CallReply reply =
      metadata_({"PUT",
                 "/latest/api/token",
                 {{"X-aliyun-ecs-metadata-token-ttl-seconds", token_lifetime_s}},
                 ""});
  if (reply.answered() && reply.status == 200) {
    token_ = reply.body;
  }
  return !token_.empty();
}

void Reclaim::learn(bool leaving, const std::string& when) {
  if (leaving_.exchange(leaving) != leaving) {
    on_change_(leaving ? "this instance ends at " + when + ": leaving the balancer"
                       : "withdrawn: back to work");
  }
}

}  // namespace faultline::services
