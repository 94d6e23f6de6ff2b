package ostiary.guardrails_test

import data.ostiary.guardrails

_tool_called(change) := object.union(
	{
		"tenant": "default",
		"pep": {"id": "ostiary:llm"},
		"subject": {
			"type": "user", "id": "ada", "known": true, "groups": ["analysts"], "attributes": {}, "properties": {},
			"identity": {"assurance": "token", "issuer": "https://idp.example", "exchanged": false, "acr": "urn:ostiary:acr:mfa", "amr": [], "auth_age_s": 60, "claims": {}},
		},
		"action": {"name": "tool.call", "class": "other", "properties": {
			"tool": {"known": true, "reads": "trusted", "sink": "egress", "sensitive": false, "pin": "pinned", "shadows": ""},
			"labels": {"untrusted": true, "confidentiality": 0, "uninspected": false, "foreign": false},
			"arguments": {"valid": true, "outside": [], "origins": [_origin("to", "recipient", "user")], "named": 1, "hot": 0},
			"request": {"asked": true, "plan": "none"},
			"flow": {"fetch": false, "bare": false, "instructed": false, "planted": false, "unaimed": false},
		}},
		"resource": {
			"type": "tool", "id": "send_mail", "known": true, "sensitivity": 1, "labels": [], "attributes": {}, "critical": false,
			"properties": {},
		},
		"session": {"id": "s-1", "state": "active"},
		"device": {}, "network": {}, "context": {},
	},
	change,
)

_origin(name, kind, origin) := {"name": name, "kind": kind, "origin": origin}

_tool_told(facts) := _tool_called({"action": {"properties": facts}})

_tool_aimed(kind, origin, more) := _tool_told(object.union(
	{"arguments": {"origins": [_origin("to", kind, origin)], "named": 0, "hot": 0}},
	more,
))

_tool_denied(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.deny | decision.terminate)
}

_tool_asks(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.step_up)
}

_tool_all(request) := _tool_denied(request) | _tool_asks(request)

test_what_the_user_named_is_sent if {
	decision := guardrails.decision with input as _tool_called({})
	rules(decision.allow) == {"role-grant"}
	_tool_all(_tool_called({})) == set()
}

test_each_fact_that_is_wrong_refuses if {
	every pair in {
		[{"arguments": {"valid": false}}, {"tool-arguments-invalid"}],
		[{"tool": {"pin": "changed"}}, {"tool-changed"}],
		[{"tool": {"shadows": "send_mail"}}, {"tool-name-shadows"}],
		[{"arguments": {"outside": ["to"]}}, {"tool-argument-outside"}],
		[{"labels": {"foreign": true}}, {"tool-foreign-session"}],
		[{"labels": {"foreign": null}}, {"tool-foreign-session"}],
		[{"request": {"asked": null}}, {"tool-facts-missing"}],
	} {
		_tool_denied(_tool_told(pair[0])) == pair[1]
	}
}

test_nothing_told_is_refused if {
	request := json.patch(_tool_called({}), [{"op": "replace", "path": "/action/properties", "value": {}}])
	"tool-facts-missing" in _tool_denied(request)
	"tool-rule-of-two" in _tool_asks(request)
}

test_where_content_aims_nobody_goes if {
	every origin in {"prose", "decoded", "unexplained"} {
		_tool_denied(_tool_aimed("recipient", origin, {"request": {"asked": false}})) == {"tool-tainted-target"}
		_tool_denied(_tool_aimed("recipient", origin, {})) == set()
		_tool_asks(_tool_aimed("recipient", origin, {})) == {"tool-target-from-content"}
	}
}

test_a_session_that_read_nothing_strange_is_free if {
	calm := {"labels": {"untrusted": false}, "request": {"asked": false}}
	_tool_all(_tool_aimed("recipient", "prose", calm)) == set()
	_tool_all(_tool_told(object.union(calm, {"tool": {"sensitive": true}}))) == set()
}

test_fields_serve_by_name_or_by_the_record_that_was_named if {
	_tool_all(_tool_aimed("person", "field", {})) == set()
	_tool_all(_tool_aimed("recipient", "anchored", {})) == set()
	_tool_all(_tool_aimed("recipient", "pointed", {})) == set()
	_tool_asks(_tool_aimed("recipient", "field", {})) == {"tool-target-from-content"}
	every pair in {["person", "field"], ["recipient", "anchored"]} {
		unasked := _tool_asks(_tool_aimed(pair[0], pair[1], {"request": {"asked": false}}))
		unasked == {"tool-target-from-content", "tool-unasked"}
	}
}

test_nobody_asked if {
	bare := {"arguments": {"origins": [], "named": 0, "hot": 0}, "request": {"asked": false}, "tool": {"sink": "state"}}
	_tool_asks(_tool_told(bare)) == {"tool-unasked"}
	picked := {"arguments": {"origins": [_origin("id", "id", "prose")], "named": 0, "hot": 1}, "tool": {"sink": "state"}}
	_tool_asks(_tool_told(picked)) == {"tool-unasked"}
	trusted := {"arguments": {"origins": [_origin("to", "recipient", "trusted")], "named": 0, "hot": 1}}
	_tool_asks(_tool_told(trusted)) == set()
	named := {"arguments": {"origins": [_origin("id", "id", "user")], "named": 1, "hot": 0}, "request": {"asked": false}}
	_tool_asks(_tool_told(named)) == set()
	said := {"arguments": {"origins": [_origin("title", "text", "user")], "named": 1, "hot": 0}, "request": {"asked": false}}
	_tool_asks(_tool_told(said)) == {"tool-unasked"}
}

test_rule_of_two if {
	secret := {"labels": {"confidentiality": 3}}
	_tool_asks(_tool_told(secret)) == set()
	_tool_asks(_tool_aimed("recipient", "anchored", secret)) == {"tool-rule-of-two"}
	_tool_asks(_tool_aimed("recipient", "anchored", {"tool": {"sensitive": true}})) == {"tool-rule-of-two"}
	_tool_asks(_tool_aimed("recipient", "anchored", {"labels": {"confidentiality": null}})) == {"tool-rule-of-two"}
	_tool_asks(_tool_aimed("recipient", "anchored", object.union(secret, {"tool": {"sink": "state"}}))) == set()
	_tool_asks(_tool_aimed("person", "field", secret)) == set()
	unaimed := {"arguments": {"origins": [_origin("id", "id", "field")], "named": 0}, "flow": {"unaimed": true}}
	_tool_asks(_tool_told(object.union(secret, unaimed))) == set()
	picked := {"arguments": {"origins": [_origin("to", "person", "field"), _origin("id", "id", "field")]}}
	_tool_asks(_tool_told(object.union(secret, picked))) == set()
	leaky := {"arguments": {"origins": [_origin("to", "person", "field"), _origin("id", "id", "trusted")]}}
	_tool_asks(_tool_told(object.union(secret, leaky))) == {"tool-rule-of-two"}
	body := {"arguments": {"origins": [_origin("to", "person", "field"), _origin("body", "text", "prose")]}}
	_tool_asks(_tool_told(object.union(secret, body))) == {"tool-rule-of-two"}
}

test_reading_a_place if {
	fetch := {"tool": {"sink": "none"}, "flow": {"fetch": true, "bare": true}, "request": {"asked": false}}
	_tool_all(_tool_aimed("url", "prose", fetch)) == set()
	_tool_all(_tool_aimed("url", "prose", object.union(fetch, {"tool": {"sink": "egress"}}))) == set()
	_tool_asks(_tool_aimed("url", "prose", object.union(fetch, {"flow": {"instructed": true}}))) == {"tool-fetch-instructed"}
	_tool_asks(_tool_aimed("url", "prose", object.union(fetch, {"flow": {"bare": false}}))) == {"tool-fetch-carries"}
	_tool_all(_tool_aimed("url", "user", object.union(fetch, {"flow": {"bare": false}}))) == set()
}

test_what_else_needs_a_person if {
	every pair in {
		[{"tool": {"known": false}}, {"tool-unknown"}],
		[{"flow": {"planted": true}}, {"tool-planted-link"}],
		[{"request": {"plan": "outside"}}, {"tool-outside-plan"}],
		[{"labels": {"uninspected": true, "confidentiality": 3}}, {"tool-uninspected"}],
		[{"inspection": {"available": false}}, {"tool-inspection"}],
		[{"inspection": {"available": true, "verdict": "block"}}, {"tool-inspection"}],
		[{"inspection": {"available": true, "verdict": "flag"}}, set()],
	} {
		_tool_asks(_tool_told(pair[0])) == pair[1]
		_tool_denied(_tool_told(pair[0])) == set()
	}
}

test_a_person_approves_one_call if {
	aimed := _tool_aimed("recipient", "prose", {"tool": {"known": false}, "flow": {"planted": true}})
	stepped := {"session": {"step_up": {"acr": "urn:ostiary:acr:phishing-resistant", "age_s": 30}}}
	_tool_asks(object.union(aimed, stepped)) == set()
	count(_tool_asks(object.union(aimed, {"session": {"step_up": {"acr": "urn:ostiary:acr:phishing-resistant", "age_s": 300}}}))) > 0
	count(_tool_asks(object.union(aimed, {"session": {"step_up": {"acr": "urn:ostiary:acr:password", "age_s": 30}}}))) > 0
	unasked := _tool_aimed("recipient", "prose", {"request": {"asked": false}})
	_tool_denied(object.union(unasked, stepped)) == {"tool-tainted-target"}
}

test_a_sign_in_is_no_approval if {
	strong := {"subject": {"identity": {"acr": "urn:ostiary:acr:phishing-resistant", "auth_age_s": 1}}}
	_tool_asks(object.union(_tool_aimed("recipient", "prose", {}), strong)) == {"tool-target-from-content"}
}

test_other_actions_are_not_looked_at if {
	request := object.union(_tool_aimed("recipient", "prose", {"request": {"asked": false}}), {"action": {"name": "invoke"}})
	_tool_all(request) == set()
}

test_tool_whose_plan_is_not_told_counts_as_outside if {
	request := json.patch(_tool_called({}), [{"op": "remove", "path": "/action/properties/request/plan"}])
	decision := guardrails.decision with input as request
	rules(decision.step_up)["tool-outside-plan"]
}

# What is not told counts as the worst, also where OPA looks a value up before it comes to the `not`.
_tool_untold(part, name) := json.remove(
	_tool_called({"action": {"properties": {"arguments": {"origins": [_origin("to", "recipient", "field")], "named": 0}}}}),
	[sprintf("action/properties/%s/%s", [part, name])],
)

test_a_confidentiality_that_nobody_told_is_high if {
	"tool-rule-of-two" in _tool_asks(_tool_untold("labels", "confidentiality"))
	not "tool-rule-of-two" in _tool_asks(_tool_untold("labels", "documents"))
}
