package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

# `changed(request, {"resource/sensitivity": 4})`: the request with some members replaced.
changed(request, members) := json.patch(request, [{"op": "add", "path": path, "value": value} |
	some path, value in members
])

rules(hits) := {hit.rule | some hit in hits}

obligation(decision, id) := found if {
	some found in decision.obligations
	found.id == id
}

test_every_answer_has_all_members if {
	object.keys(guardrails.decision) == {
		"allow", "ceiling", "deny", "obligations",
		"reduce", "step_up", "terminate", "unmet",
	} with input as examples.developer
}

test_a_plain_day_is_allowed if {
	decision := guardrails.decision with input as examples.developer
	rules(decision.allow) == {"role-grant"}
	count(decision.deny | decision.terminate | decision.step_up | decision.reduce) == 0
	count(decision.unmet) == 0
}

test_the_article_is_allowed_by_the_guardrails if {
	decision := guardrails.decision with input as examples.developer_at_night
	rules(decision.allow) == {"role-grant"}
	count(decision.deny | decision.terminate | decision.step_up | decision.reduce) == 0
	decision.ceiling == "TERMINATE"
}

test_an_empty_request_is_denied if {
	decision := guardrails.decision with input as {}
	count(decision.allow) == 0
	"unknown-resource" in rules(decision.deny)
}
