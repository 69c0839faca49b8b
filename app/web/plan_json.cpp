// GET /api/v1/plan

#include "app/web/answers.h"
#include "app/web/json_parts.h"
#include "remediation/explain.h"
#include "remediation/plan.h"

namespace upkeep::web {

std::string plan_json(const Moment& moment) {
  Json out{{"node", moment.identity.node},
           {"mode", moment.view ? Json(upkeep::to_string(moment.view->mode)) : Json()},
           {"at", json_of(moment.wall)},
           {"ready", is_ready(moment)},
           {"decisions", Json::array()}};
  if (!moment.view || !moment.view->policy) return written(out);
  // What upkeep would do if it might, whatever it may do here.
  Policy policy = *moment.view->policy;
  policy.mode = Mode::dry_run;
  const Plan plan = upkeep::plan({.snapshot = *moment.snapshot,
                                  .policy = policy,
                                  .history = moment.view->history,
                                  .now = moment.now});
  for (const Decision& decision : plan.decisions) {
    Json line = decision_json(decision, moment.now);
    line["text"] = supposed_sentence(decision, moment.now);
    line["target"] = to_string(decision.finding.subject);
    out["decisions"].push_back(std::move(line));
  }
  return written(out);
}

}  // namespace upkeep::web
