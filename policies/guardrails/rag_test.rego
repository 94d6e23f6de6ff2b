package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

searching(members) := changed(examples.developer, object.union(
	{
		"pep/id": "ostiary:rag",
		"resource/type": "index",
		"resource/id": "handbook",
		"resource/sensitivity": 1,
		"action/name": "rag.search",
		"action/properties": {"passages": 10},
	},
	members,
))

test_whoever_has_the_role_searches if {
	decision := guardrails.decision with input as searching({})
	rules(decision.allow)["role-grant"]
	not rules(decision.deny)["index-door"]
	not rules(decision.deny)["index-passages"]
}

test_nobody_searches_beside_the_door if {
	decision := guardrails.decision with input as searching({"pep/id": "gateway-1"})
	rules(decision.deny)["index-door"]
}

test_passages_are_counted if {
	every wrong in [{"passages": 101}, {"passages": 0}, {"passages": "10"}, {"passages": -1}, {"passages": null}] {
		decision := guardrails.decision with input as searching({"action/properties": wrong})
		rules(decision.deny)["index-passages"]
	}
}

test_other_actions_on_other_things_are_not_ours if {
	decision := guardrails.decision with input as searching({"resource/type": "dataset"})
	not rules(decision.deny)["index-door"]
}
