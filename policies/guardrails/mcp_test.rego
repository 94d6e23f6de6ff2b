package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

_mcp_labels := {"untrusted": true, "confidentiality": 0, "uninspected": false, "foreign": false}

_mcp_seen := {"available": true, "verdict": "pass", "rules": []}

_mcp_asks(action, members) := changed(examples.developer, object.union(
	{
		"pep/id": "ostiary:mcp",
		"resource/type": "mcp_server",
		"resource/id": "mail",
		"resource/sensitivity": 1,
		"action/name": action,
		"action/class": "other",
		"action/properties": {"labels": _mcp_labels, "inspection": _mcp_seen},
	},
	members,
))

_mcp_told(labels, seen) := {"action/properties": {
	"labels": object.union(_mcp_labels, labels),
	"inspection": object.union(_mcp_seen, seen),
}}

_mcp_servers(wishes) := {
	"servers": {"mail": wishes},
	"confidential_from": 2,
	"sensitive_from": 2,
}

test_mcp_whoever_has_the_role_uses_a_server if {
	every action in ["mcp.connect", "mcp.list", "mcp.use"] {
		decision := guardrails.decision with input as _mcp_asks(action, {})
		rules(decision.allow)["role-grant"]
		count(decision.deny) == 0
		count(decision.step_up) == 0
	}
	read := guardrails.decision with input as _mcp_asks("mcp.read", {"resource/type": "mcp_resource", "resource/id": "mail/mail://inbox"})
	rules(read.allow)["role-grant"]
	prompt := guardrails.decision with input as _mcp_asks("mcp.prompt", {"resource/type": "mcp_prompt", "resource/id": "mail/greet"})
	rules(prompt.allow)["role-grant"]
	count(prompt.deny) == 0
}

test_mcp_nobody_uses_it_without_a_role if {
	decision := guardrails.decision with input as _mcp_asks("mcp.connect", {"subject/groups": []})
	count(decision.allow) == 0
}

test_mcp_nobody_uses_it_beside_the_proxy if {
	decision := guardrails.decision with input as _mcp_asks("mcp.connect", {"pep/id": "gateway-1"})
	rules(decision.deny)["mcp-door"]
}

test_mcp_what_is_not_offered_is_denied if {
	every action in ["mcp.sample", "mcp.elicit", "mcp.roots"] {
		decision := guardrails.decision with input as _mcp_asks(action, {})
		rules(decision.deny)["mcp-not-offered"]
		odd := guardrails.decision with input as _mcp_asks(action, {})
			with data.gateway.mcp as _mcp_servers({"sampling": true, "elicitation": "yes", "roots": 1})
		rules(odd.deny)["mcp-not-offered"]
	}
}

test_mcp_what_is_offered_is_allowed_or_asked if {
	told := guardrails.decision with input as _mcp_asks("mcp.elicit", {})
		with data.gateway.mcp as _mcp_servers({"elicitation": "allow"})
	count(told.deny) == 0
	count(told.step_up) == 0
	asks := guardrails.decision with input as _mcp_asks("mcp.elicit", {})
		with data.gateway.mcp as _mcp_servers({"elicitation": "ask"})
	rules(asks.step_up)["mcp-asks-person"]
	another := guardrails.decision with input as _mcp_asks("mcp.elicit", {"resource/id": "files"})
		with data.gateway.mcp as _mcp_servers({"elicitation": "allow"})
	rules(another.deny)["mcp-not-offered"]
}

test_mcp_no_sampling_beside_confidential_data if {
	every level in [2, 4, "0", null, true] {
		decision := guardrails.decision with input as _mcp_asks("mcp.sample", _mcp_told({"confidentiality": level}, {}))
			with data.gateway.mcp as _mcp_servers({"sampling": "allow"})
		rules(decision.deny)["mcp-sampling-confidential"]
	}
	plain := guardrails.decision with input as _mcp_asks("mcp.sample", _mcp_told({"confidentiality": 1}, {}))
		with data.gateway.mcp as _mcp_servers({"sampling": "allow"})
	count(plain.deny) == 0
}

test_mcp_uninspected_beside_confidential_is_denied if {
	both := guardrails.decision with input as _mcp_asks("mcp.use", _mcp_told({"confidentiality": 3, "uninspected": true}, {}))
	rules(both.deny)["mcp-uninspected"]
	one := guardrails.decision with input as _mcp_asks("mcp.use", _mcp_told({"uninspected": true}, {}))
	count(one.deny) == 0
	looks := guardrails.decision with input as _mcp_asks("mcp.list", _mcp_told({"confidentiality": 3, "uninspected": true}, {}))
	count(looks.deny) == 0
}

test_mcp_untold_counts_as_the_worst if {
	decision := guardrails.decision with input as changed(_mcp_asks("mcp.use", {}), {"action/properties": {}})
	rules(decision.deny)["mcp-foreign-data"]
	rules(decision.deny)["mcp-uninspected"]
	rules(decision.step_up)["mcp-detector-away"]
	odd := guardrails.decision with input as _mcp_asks("mcp.use", _mcp_told({"foreign": "no"}, {}))
	rules(odd.deny)["mcp-foreign-data"]
}

test_mcp_detector_away_costs_an_approval if {
	away := _mcp_told({}, {"available": false})
	sensitive := guardrails.decision with input as _mcp_asks("mcp.use", object.union(away, {"resource/sensitivity": 2}))
	rules(sensitive.step_up)["mcp-detector-away"]
	plain := guardrails.decision with input as _mcp_asks("mcp.use", away)
	count(plain.step_up) == 0
	program := guardrails.decision with input as _mcp_asks("mcp.use", object.union(
		away,
		{"resource/sensitivity": 2, "subject/type": "service"},
	))
	rules(program.deny)["mcp-detector-away"]
}

test_mcp_detector_away_costs_an_approval_for_a_sensitive_tool if {
	at_proxy := {"pep": {"id": "ostiary:mcp"}}
	blind := {"action": {"properties": {"inspection": {"available": false}}}}
	sensitive := {"action": {"properties": {"inspection": {"available": false}, "tool": {"sensitive": true}}}}
	asked := guardrails.decision with input as _tool_called(object.union(at_proxy, sensitive))
	rules(asked.step_up)["mcp-detector-away"]
	plain := guardrails.decision with input as _tool_called(object.union(at_proxy, blind))
	not rules(plain.step_up)["mcp-detector-away"]
}
