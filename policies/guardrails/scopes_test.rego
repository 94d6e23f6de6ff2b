package ostiary.guardrails_test

import data.ostiary.guardrails

_scoped(detail, change) := object.union({
	"tenant": "default",
	"pep": {"id": "ostiary:datasets"},
	"subject": {
		"type": "ci_job", "id": "github:owner:1:repository:2", "known": true, "groups": [], "attributes": {}, "properties": {},
		"identity": {
			"assurance": "token", "issuer": "https://pdp.example/oauth/default", "exchanged": true, "proof": "dpop",
			"claims": {"authorization_details": [detail], "origin": {"iss": "https://token.actions.githubusercontent.com", "claims": {"sha": "c0ffee"}}},
		},
	},
	"action": {"name": "dataset.read", "class": "read", "properties": {}},
	"resource": {
		"type": "dataset", "id": "sales", "known": true, "sensitivity": 2, "labels": [], "attributes": {}, "critical": false,
		"properties": {},
	},
	"session": {"id": "s", "state": "active"},
	"device": {}, "network": {}, "context": {},
}, change)

_detail := {"type": "ostiary_dataset", "identifier": "sales", "actions": ["dataset.read"]}

_denied(asked) if {
	some hit in guardrails.deny with input as asked
	hit.rule == "token-scope"
}

test_a_token_for_this_very_thing_passes if not _denied(_scoped(_detail, {}))

test_a_token_for_another_dataset_does_not if _denied(_scoped(object.union(_detail, {"identifier": "payroll"}), {}))

test_a_token_for_another_type_does_not if _denied(_scoped(object.union(_detail, {"type": "ostiary_model"}), {}))

test_a_token_for_another_action_does_not if _denied(_scoped(object.union(_detail, {"actions": ["dataset.list"]}), {}))

test_somebody_elses_claim_of_that_name_is_just_a_claim if {
	_denied(_scoped(_detail, {"subject": {"identity": {"exchanged": false}}}))
}

test_two_scopes_are_none if {
	_denied(_scoped(_detail, {"subject": {"identity": {"claims": {"authorization_details": [_detail, _detail]}}}}))
}

test_a_token_is_no_identity_elsewhere_either if {
	_denied(_scoped(_detail, {"pep": {"id": "gateway-1"}, "resource": {"id": "payroll"}}))
	not _denied(_scoped(_detail, {"pep": {"id": "gateway-1"}}))
}

test_another_purpose_is_another_thing if {
	detail := object.union(_detail, {"purpose": "training"})
	not _denied(_scoped(detail, {"action": {"properties": {"purpose": "training"}}}))
	_denied(_scoped(detail, {"action": {"properties": {"purpose": "analytics"}}}))
	_denied(_scoped(_detail, {"action": {"properties": {"stage": "train"}}}))
}

test_other_columns_are_another_thing if {
	detail := object.union(_detail, {"datatypes": ["age"]})
	not _denied(_scoped(detail, {"action": {"properties": {"columns": ["age"]}}}))
	_denied(_scoped(detail, {"action": {"properties": {"columns": ["age", "salary"]}}}))
	not _denied(_scoped(object.union(_detail, {"datatypes": ["*"]}), {"action": {"properties": {"columns": ["salary"]}}}))
}

_stranger := {"identity": {"exchanged": false}}

test_no_scope_is_asked_where_the_token_is_made if {
	not _denied(_scoped({}, {"pep": {"id": "ostiary:token"}, "subject": _stranger}))
}

test_other_enforcement_points_are_not_doors if {
	not _denied(_scoped({}, {"pep": {"id": "datasets"}, "subject": _stranger}))
}

test_production_features_are_reached_with_an_exchanged_token_of_verified_ci if {
	not _unverified("c0ffee")
	_unverified("bad")
}

_unverified(sha) if {
	asked := _scoped(_detail, {
		"resource": {"type": "feature_set", "labels": ["production"]},
		"subject": {"identity": {"claims": {"origin": {"claims": {"sha": sha}}}}},
	})
	some hit in guardrails.deny with input as asked with data.pipeline.approved_commits as ["c0ffee"]
	hit.rule == "verified-ci-only"
}

test_a_commit_that_is_approved_here_reaches_production_features if {
	not _unverified_commit({"sha": "c0ffee", "approved": true, "how": "signature", "by": "ann"})
	_unverified_commit({"sha": "c0ffee", "approved": false, "how": "", "by": ""})
	_unverified_commit({"sha": "other", "approved": true, "how": "approval", "by": "ann"})
}

_unverified_commit(commit) if {
	asked := _scoped(_detail, {"resource": {"type": "feature_set", "labels": ["production"]}, "subject": {"commit": commit}})
	some hit in guardrails.deny with input as asked
	hit.rule == "verified-ci-only"
}

test_another_path_is_another_thing_at_whatever_enforcement_point if {
	detail := object.union(_detail, {"prefix": "2026/"})
	every path in ["2026", "2026/", "2026/a"] {
		not _denied(_at_gateway(detail, {"path": path}))
	}
	every path in ["2025/a", "20267", "2026/../2025/a", "2026\\..\\2025", ["2026/a"], 7] {
		_denied(_at_gateway(detail, {"path": path}))
	}
	not _denied(_at_gateway(_detail, {"path": "anywhere"}))
}

test_columns_that_are_no_list_are_other_columns if {
	every columns in ["salary", {"salary": true}, 7] {
		_denied(_at_gateway(object.union(_detail, {"datatypes": ["age"]}), {"columns": columns}))
	}
}

_at_gateway(detail, properties) := _scoped(detail, {"pep": {"id": "gateway-1"}, "action": {"properties": properties}})
