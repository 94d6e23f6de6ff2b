package ostiary.guardrails_test

import data.ostiary.guardrails

_llm_plain := {"untrusted": false, "confidentiality": 0, "uninspected": false, "foreign": false, "documents": [], "more_documents": false}

_llm_asked(change) := object.union(
	_model_asked({
		"pep": {"id": "ostiary:llm"},
		"action": {"name": "llm.chat", "class": "other", "properties": {
			"labels": _llm_plain,
			"inspection": {"available": true, "verdict": "pass", "rules": []},
			"tools": 0, "stream": false,
		}},
		"resource": {"type": "language_model", "id": "small", "sensitivity": 1},
	}),
	change,
)

_llm_labels(change) := _llm_asked({"action": {"properties": {"labels": change}}})

_llm_seen(change) := _llm_asked({"action": {"properties": {"inspection": change}}})

_llm_old := {"subject": {"identity": {"auth_age_s": 7200.0}}}

test_whoever_has_a_grant_asks_a_language_model if {
	decision := guardrails.decision with input as _llm_asked({})
	rules(decision.allow) == {"role-grant"}
	_model_denied(_llm_asked({})) | _model_stepped_up(_llm_asked({})) == set()
}

test_no_grant_and_no_model_are_refused_alike if {
	"llm-no-model" in _model_denied(_llm_asked({"subject": {"groups": []}}))
	"llm-no-model" in _model_denied(_llm_asked({"resource": {"known": false}}))
	"llm-no-model" in _model_denied(_llm_asked({"resource": {"sensitivity": null, "known": false}}))
}

test_content_of_another_tenant_ends_it if {
	every value in [true, null, "false"] {
		"llm-foreign-data" in _model_denied(_llm_labels({"foreign": value}))
	}
}

test_what_nobody_can_look_into_beside_confidential_data if {
	_model_denied(_llm_labels({"uninspected": true, "confidentiality": 1})) == set()
	every level in [2, 3, "0"] {
		"llm-uninspected" in _model_denied(_llm_labels({"uninspected": true, "confidentiality": level}))
	}
	"llm-uninspected" in _model_denied(_llm_labels({"uninspected": null, "confidentiality": 3}))
}

test_what_is_not_told_of_confidentiality_is_the_worst if {
	untold := json.remove(_llm_labels({"uninspected": true}), ["/action/properties/labels/confidentiality"])
	{"llm-uninspected", "llm-clearance"} - _model_denied(untold) == set()
}

test_clearance_comes_from_groups_and_claims if {
	_model_denied(_llm_labels({"confidentiality": 3})) == set()
	_model_denied(_llm_labels({"confidentiality": 4})) == {"llm-clearance"}
	none := {"subject": {"groups": ["developers"]}}
	_model_denied(object.union(_llm_labels({"confidentiality": 3}), none)) == {"llm-clearance"}
	told := {"subject": {"groups": ["developers"], "identity": {"claims": {"clearance": "secret"}}}}
	_model_denied(object.union(_llm_labels({"confidentiality": 3}), told)) == set()
	several := {"subject": {"groups": ["developers"], "identity": {"claims": {"clearance": ["public", "secret"]}}}}
	_model_denied(object.union(_llm_labels({"confidentiality": 3}), several)) == set()
	asserted := object.union(told, {"subject": {"identity": {"assurance": "asserted"}}})
	"llm-clearance" in _model_denied(object.union(_llm_labels({"confidentiality": 3}), asserted))
	"llm-clearance" in _model_denied(_llm_labels({"confidentiality": "0"}))
}

test_a_model_may_be_bound_to_what_is_not_confidential if {
	bound := {"resource": {"attributes": {"max_confidentiality": 1}}}
	_model_denied(object.union(_llm_labels({"confidentiality": 2}), bound)) == {"llm-model-bound"}
	_model_denied(object.union(_llm_labels({"confidentiality": 1}), bound)) == set()
}

test_an_attack_is_refused_and_a_doubt_costs_a_sign_in if {
	_model_denied(_llm_seen({"verdict": "block", "rules": ["injection.override"]})) == {"llm-prompt-blocked"}
	_model_denied(_llm_seen({"verdict": "ask"})) == set()
	"llm-prompt-asks" in _model_stepped_up(object.union(_llm_seen({"verdict": "ask"}), _llm_old))
	every kind in ["service", "agent"] {
		"llm-prompt-blocked" in _model_denied(object.union(_llm_seen({"verdict": "ask"}), {"subject": {"type": kind}}))
	}
	every odd in [null, "", "allow", 1] {
		"llm-prompt-blocked" in _model_denied(_llm_seen({"verdict": odd}))
	}
}

test_a_detector_that_is_away_costs_a_sign_in_where_it_matters if {
	_model_stepped_up(object.union(_llm_seen({"available": false}), {"subject": {"identity": {"auth_age_s": 1000.0}}})) == set()
	sensitive := object.union(_llm_seen({"available": false}), {"resource": {"sensitivity": 2}})
	"llm-detector-away" in _model_stepped_up(object.union(sensitive, _llm_old))
	"llm-detector-away" in _model_denied(object.union(sensitive, {"subject": {"type": "service"}}))
	untold := object.union(_llm_seen({"available": null}), {"resource": {"sensitivity": 2}})
	"llm-detector-away" in _model_stepped_up(object.union(untold, _llm_old))
}

_llm_valuable(change) := _llm_asked(object.union({"resource": {"labels": ["high-value"]}}, change))

test_high_value_language_models_want_what_others_do if {
	_model_denied(_llm_valuable({})) | _model_stepped_up(_llm_valuable({})) == set()
	every pair in {
		[{"device": {"trust": "reported"}}, "high-value-attestation-required"],
		[{"device": {"bound": false}}, "high-value-device-bound"],
		[{"session": {"state": "expired"}}, "high-value-session-required"],
		[{"subject": {"type": "service"}}, "high-value-user-required"],
	} {
		pair[1] in _model_denied(_llm_valuable(pair[0]))
	}
	"high-value-sign-in" in _model_stepped_up(_llm_valuable(_llm_old))
}

test_limits_are_obligations if {
	limited := guardrails.decision with input as _llm_asked({"resource": {"attributes": {"max_tokens": 100}}})
	some one in limited.obligations
	one.type == "llm_limits"
	one.properties.max_tokens == 100
}

_llm_tools(request) := {one.properties.tools |
	decision := guardrails.decision with input as request
	some one in decision.obligations
	one.id == "llm-no-tools"
}

test_a_model_may_have_no_tools_beside_what_is_not_trusted if {
	careful := {"resource": {"attributes": {"tools_beside_untrusted": false}}}
	_llm_tools(object.union(_llm_labels({"untrusted": true}), careful)) == {false}
	_llm_tools(object.union(_llm_labels({"untrusted": false}), careful)) == set()
	_llm_tools(_llm_labels({"untrusted": true})) == set()
}

test_a_blind_question_about_confidential_documents_counts_too if {
	blind := {"action": {"properties": {"inspection": {"available": false}, "labels": {"confidentiality": 3}}}}
	"llm-detector-away" in _model_denied(_llm_asked(object.union(blind, {"subject": {"type": "service"}})))
}

test_nothing_told_is_the_worst_for_language_models_too if {
	untold := json.patch(_llm_asked({}), [{"op": "replace", "path": "/action/properties", "value": {}}])
	{"llm-foreign-data", "llm-uninspected", "llm-clearance", "llm-prompt-blocked"} - _model_denied(untold) == set()
	bound := json.patch(untold, [{"op": "replace", "path": "/resource/attributes", "value": {"max_confidentiality": 4}}])
	"llm-model-bound" in _model_denied(bound)
}
