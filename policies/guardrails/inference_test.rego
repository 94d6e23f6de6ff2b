package ostiary.guardrails_test

import data.ostiary.guardrails

_model_asked(change) := object.union(
	{
		"tenant": "default",
		"pep": {"id": "ostiary:inference"},
		"subject": {
			"type": "user", "id": "ada", "known": true, "groups": ["analysts"], "attributes": {}, "properties": {},
			"identity": {
				"assurance": "token", "issuer": "https://idp.example", "exchanged": false, "proof": "dpop", "scopes": [],
				"acr": "urn:ostiary:acr:phishing-resistant", "amr": ["hwk"], "auth_age_s": 60.0, "session_id": "s-1",
				"claims": {},
			},
		},
		"action": {
			"name": "endpoint.predict", "class": "other",
			"properties": {
				"rows": 1, "valid": true, "watched": true,
				"queries": 100, "near": 0, "straddling": 0, "unusual": 0,
			},
		},
		"resource": {
			"type": "endpoint", "id": "fraud", "known": true, "sensitivity": 2, "labels": [], "attributes": {},
			"critical": false, "properties": {},
		},
		"session": {"id": "s-1", "state": "active"},
		"device": {
			"id": "dev_1", "known": true, "trust": "attested", "compliant": true, "quarantined": false, "bound": true,
			"owner": "user:ada",
		},
		"network": {}, "context": {},
	},
	change,
)

_model_valuable(change) := _model_asked(object.union({"resource": {"labels": ["high-value"]}}, change))

_model_denied(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.deny | decision.terminate)
}

_model_stepped_up(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.step_up)
}

_model_coarse(request) := {one.properties.level |
	decision := guardrails.decision with input as request
	some one in decision.obligations
	one.type == "coarse_output"
}

_model_seen(counts) := _model_asked({"action": {"properties": counts}})

test_whoever_has_a_grant_asks_a_plain_model if {
	decision := guardrails.decision with input as _model_asked({})
	rules(decision.allow) == {"role-grant"}
	_model_denied(_model_asked({})) | _model_stepped_up(_model_asked({})) == set()
	_model_coarse(_model_asked({})) == set()
}

test_high_value_with_everything_is_answered if {
	_model_denied(_model_valuable({})) | _model_stepped_up(_model_valuable({})) == set()
}

test_each_thing_that_lacks_is_a_refusal_of_its_own if {
	every pair in {
		[{"device": {"trust": "reported"}}, {"high-value-attestation-required"}],
		[{"device": {"trust": "unknown", "known": false}}, {"high-value-attestation-required"}],
		[{"device": {"trust": null}}, {"high-value-attestation-required"}],
		[{"device": {"bound": false}}, {"high-value-device-bound"}],
		[{"device": {"bound": null}}, {"high-value-device-bound"}],
		[{"session": {"state": "terminated"}}, {"high-value-session-required", "session-terminated"}],
		[{"session": {"state": "expired"}}, {"high-value-session-required"}],
		[{"session": {"id": "s-2"}}, {"high-value-session-required"}],
		[{"session": {"id": null}}, {"high-value-session-required"}],
		[{"subject": {"identity": {"session_id": ""}}, "session": {"id": ""}}, {"high-value-session-required"}],
		[{"subject": {"identity": {"assurance": "asserted"}}}, {"high-value-user-required"}],
		[{"subject": {"type": "service"}}, {"high-value-user-required"}],
		[{"subject": {"type": "agent"}}, {"high-value-user-required"}],
	} {
		_model_denied(_model_valuable(pair[0])) == pair[1]
		count(_model_denied(_model_asked(pair[0])) & pair[1]) == count(pair[1] & {"session-terminated"})
	}
}

test_a_weak_or_old_sign_in_is_asked_again if {
	every change in [{"acr": "urn:ostiary:acr:password", "amr": ["pwd"]}, {"auth_age_s": 7200.0}, {"auth_age_s": null}] {
		"high-value-sign-in" in _model_stepped_up(_model_valuable({"subject": {"identity": change}}))
	}
}

test_an_exchanged_token_counts_with_the_session_behind_it if {
	for_this := [{"type": "ostiary_endpoint", "identifier": "fraud", "actions": ["endpoint.predict"]}]
	with_session := {"exchanged": true, "claims": {"authorization_details": for_this, "origin": {"sid": "s-0"}}}
	without := {"exchanged": true, "claims": {"authorization_details": for_this, "origin": {"sid": ""}}}
	_model_denied(_model_valuable({"subject": {"identity": with_session}})) == set()
	_model_denied(_model_valuable({"subject": {"identity": without}})) == {"high-value-session-required"}
}

test_mapping_a_model_is_refused_by_kind if {
	every counts in [
		{"near": 30},
		{"near": 400, "queries": 100000},
		{"straddling": 15},
		{"unusual": 60},
	] {
		_model_denied(_model_seen(counts)) == {"model-probing"}
	}
}

test_what_looks_like_it_costs_a_sign_in_and_detail if {
	every counts in [{"near": 12}, {"straddling": 6}, {"unusual": 25}] {
		request := object.union(_model_seen(counts), {"subject": {"identity": {"auth_age_s": 7200.0}}})
		_model_denied(request) == set()
		"model-probing-step-up" in _model_stepped_up(request)
		_model_coarse(request) == {"label"}
		_model_stepped_up(_model_seen(counts)) == set()
		_model_coarse(_model_seen(counts)) == {"label"}
	}
}

test_a_busy_honest_asker_is_not_noticed if {
	every counts in [
		{"queries": 2000, "near": 17, "straddling": 1, "unusual": 5},
		{"queries": 10000, "near": 90, "straddling": 9, "unusual": 60},
	] {
		_model_denied(_model_seen(counts)) | _model_stepped_up(_model_seen(counts)) == set()
		_model_coarse(_model_seen(counts)) == set()
	}
}

test_what_was_not_watched_counts_as_the_worst if {
	every counts in [
		{"watched": false}, {"watched": null}, {"near": "0"}, {"near": -1}, {"near": null}, {"queries": "9"},
		{"straddling": []}, {"unusual": true},
	] {
		_model_denied(_model_seen(counts)) == {"model-probing"}
	}
}

test_nothing_told_is_the_worst if {
	request := json.patch(_model_asked({}), [{"op": "replace", "path": "/action/properties", "value": {}}])
	_model_denied(request) == {"model-probing"}
}

test_sensitive_models_answer_coarsely if {
	_model_coarse(_model_asked({"resource": {"sensitivity": 3}})) == {"rounded"}
	_model_coarse(_model_asked({"resource": {"sensitivity": 4}})) == {"label"}
	_model_coarse(_model_asked({"resource": {"attributes": {"coarse_output": "top_k"}}})) == {"top_k"}
}

test_other_things_are_not_models if {
	request := _model_valuable({"resource": {"type": "repository"}, "action": {"properties": {"near": 1000}}, "device": {"trust": "unknown"}})
	count(_model_denied(request) & {"model-probing", "high-value-attestation-required"}) == 0
}
