package ostiary.guardrails_test

import data.ostiary.guardrails

_quiet := {
	"watched": true, "situations": 0, "near": 0, "walking": 0,
	"charged": false, "spent": [], "wait_s": 0,
}

_decision_probed(seen, change) := object.union(
	{
		"tenant": "default",
		"pep": {"id": "gateway"},
		"subject": {
			"type": "user", "id": "dana", "known": true, "groups": ["developers"], "attributes": {}, "properties": {},
			"identity": {
				"assurance": "token", "issuer": "https://idp.example", "exchanged": false, "proof": "dpop", "scopes": [],
				"acr": "urn:ostiary:acr:mfa", "amr": [], "auth_age_s": 7200.0, "session_id": "s-1", "claims": {},
			},
		},
		"action": {"name": "read", "class": "read", "properties": {}},
		"resource": {
			"type": "repository", "id": "billing-api", "known": true, "sensitivity": 2, "labels": [], "attributes": {},
			"critical": false, "properties": {},
		},
		"session": {"id": "s-1", "state": "active"},
		"device": {"id": "dev_1", "known": true, "trust": "attested", "compliant": true, "quarantined": false},
		"network": {}, "context": {},
		"probing": object.union(_quiet, seen),
	},
	change,
)

_probing_rules(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.deny | decision.step_up)
	rule in {"question-budget-spent", "decision-probing", "decision-probing-step-up"}
}

test_plain_load_is_not_noticed if {
	every seen in [{}, {"near": 39, "walking": 11, "situations": 79}, {"charged": true}] {
		_probing_rules(_decision_probed(seen, {})) == set()
	}
}

test_what_looks_like_probing_costs_a_sign_in if {
	every seen in [{"near": 40}, {"walking": 12}, {"situations": 80}, {"watched": false}] {
		_probing_rules(_decision_probed(seen, {})) == {"decision-probing-step-up"}
	}
}

test_a_fresh_strong_sign_in_answers_it if {
	fresh := {"subject": {"identity": {"acr": "urn:ostiary:acr:phishing-resistant", "auth_age_s": 5.0}}}
	_probing_rules(_decision_probed({"near": 40}, fresh)) == set()
	_probing_rules(_decision_probed({"near": 200}, fresh)) == {"decision-probing"}
}

test_programs_are_not_asked_to_sign_in if {
	service := {"subject": {"type": "service"}}
	_probing_rules(_decision_probed({"near": 40}, service)) == set()
	_probing_rules(_decision_probed({"near": 200}, service)) == {"decision-probing"}
}

test_mapping_is_refused_by_kind if {
	every seen in [{"near": 200}, {"walking": 40}, {"situations": 300}] {
		"decision-probing" in _probing_rules(_decision_probed(seen, {}))
	}
}

test_a_spent_budget_refuses_and_says_how_long if {
	decision := guardrails.decision with input as _decision_probed({"spent": ["device", "tenant"], "wait_s": 1440}, {})
	{hit.by | some hit in decision.deny; hit.rule == "question-budget-spent"} == {"device", "tenant"}
	{hit.retry_after | some hit in decision.deny; hit.rule == "question-budget-spent"} == {1440}
}

test_whom_nobody_can_watch_is_never_locked_out_by_that if {
	not "decision-probing" in _probing_rules(_decision_probed({"watched": false}, {}))
}

test_records_from_before_replay_as_they_were if {
	old := json.patch(_decision_probed({}, {}), [{"op": "remove", "path": "/probing"}])
	_probing_rules(old) == set()
}
