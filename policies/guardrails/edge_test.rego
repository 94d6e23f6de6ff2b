package ostiary.guardrails_test

import data.ostiary.guardrails

_edge_asked(change) := object.union(
	_model_asked({
		"pep": {"id": "edge-1"},
		"action": {"name": "class:read", "class": "read", "properties": {
			"edge": {"route": "r", "host": "h", "method": "POST", "path": "/r"},
			"inspection": {"available": true, "verdict": "pass", "rules": []},
		}},
		"resource": {"type": "dashboard", "id": "sales", "sensitivity": 1},
	}),
	change,
)

_edge_verdict(verdict) := _edge_asked({"action": {"properties": {"inspection": {"verdict": verdict}}}})

_edge_old := {"subject": {"identity": {"auth_age_s": 7200.0}}}

test_what_was_looked_into_and_passed_costs_nothing if {
	every verdict in ["pass", "flag", "redact"] {
		count(_model_denied(_edge_verdict(verdict)) | _model_stepped_up(_edge_verdict(verdict))) == 0
	}
}

test_a_doubt_costs_a_person_a_sign_in if {
	old := object.union(_edge_verdict("ask"), _edge_old)
	"edge-body-asks" in _model_stepped_up(old)
	not "edge-body-asks" in _model_stepped_up(_edge_verdict("ask"))
	not "edge-body-blocked" in _model_denied(_edge_verdict("ask"))
}

test_a_program_in_doubt_is_refused if {
	request := object.union(_edge_verdict("ask"), {"subject": {"type": "service"}})
	"edge-body-blocked" in _model_denied(request)
}

test_what_no_inspection_says_is_not_a_verdict if {
	every verdict in ["block", "none", "", null, 7] {
		"edge-body-blocked" in _model_denied(_edge_verdict(verdict))
	}
}

test_without_the_edge_nothing_of_this_counts if {
	request := object.remove(_edge_verdict("block").action.properties, ["edge"])
	plain := json.patch(_edge_verdict("block"), [{"op": "replace", "path": "action/properties", "value": request}])
	not "edge-body-blocked" in _model_denied(plain)
}
