package ostiary.guardrails_test

import data.ostiary.guardrails

_model(change) := object.union({
	"tenant": "default",
	"pep": {"id": "ostiary:models"},
	"subject": {
		"type": "user", "id": "paul", "known": true, "groups": ["release-managers"], "attributes": {}, "properties": {},
		"identity": {
			"assurance": "token", "issuer": "https://pdp.example/oauth/default", "exchanged": true, "proof": "dpop",
			"acr": "urn:ostiary:acr:mfa", "auth_age_s": 60,
			"claims": {
				"authorization_details": [{"type": "ostiary_model", "identifier": "fraud", "actions": ["model.promote", "model.load"]}],
				"origin": {"iss": "https://idp.example", "sub_type": "user", "sub": "paul", "claims": {}},
			},
		},
	},
	"action": {"name": "model.promote", "class": "other", "properties": {"stage": "staging", "deed": "promote", "version": 3}},
	"resource": {
		"type": "model", "id": "fraud", "known": true, "sensitivity": 2, "labels": [], "attributes": {}, "critical": false,
		"properties": {
			"state": "registered", "trainers": ["ci_job:train", "user:tess"], "report": "good", "metrics": {"auc": 0.9},
			"was_live_in": [], "promoted_by": "user:paul",
		},
	},
	"session": {"id": "s", "state": "active"},
	"device": {"id": "laptop", "known": true, "compliant": true, "managed": true, "trust": "software"},
	"network": {}, "context": {},
}, change)

_load(change) := _model(object.union({
	"subject": {"type": "service", "id": "dora", "groups": [], "identity": {"claims": {"origin": {"sub_type": "service", "sub": "dora"}}}},
	"action": {"name": "model.load", "properties": {"stage": "production"}},
}, change))

_denials(asked) := {hit.rule | some hit in guardrails.deny with input as asked; startswith(hit.rule, "model-")}

test_whoever_did_not_make_it_promotes_it if _denials(_model({})) == set()

test_a_release_manager_may if {
	some hit in guardrails.allow with input as _model({})
	hit.grant == "release-manager-promotes-models"
}

test_a_deployer_loads_it if _denials(_load({})) == set()

test_a_service_may_load if {
	some hit in guardrails.allow with input as _load({})
	hit.grant == "service-loads-models"
}

test_a_service_may_not_promote if {
	asked := _load({"action": {"name": "model.promote"}})
	count(guardrails.allow) == 0 with input as asked
}

test_a_ci_job_registers_and_neither_promotes_nor_loads if {
	job := {"subject": {"type": "ci_job", "id": "train", "groups": []}}
	some hit in guardrails.allow with input as _model(object.union(job, {"action": {"name": "model.register"}}))
	hit.grant == "ci-registers-models"
	every action in ["model.promote", "model.load"] {
		count(guardrails.allow) == 0 with input as _model(object.union(job, {"action": {"name": action}}))
	}
}

test_nobody_promotes_their_own if {
	_denials(_model({"subject": {"id": "tess"}})) == {"model-own-work"}
	_denials(_model({"subject": {"type": "ci_job", "id": "train"}})) == {"model-own-work"}
}

test_nor_by_an_exchanged_token if {
	exchanged := {"subject": {"id": "robot", "identity": {"claims": {"origin": {"sub_type": "user", "sub": "tess"}}}}}
	_denials(_model(exchanged)) == {"model-own-work"}
}

test_stages_are_those_of_policy if {
	_denials(_model({"action": {"properties": {"stage": "prod"}}})) == {"model-stage-unknown"}
	_denials(_load({"action": {"properties": {"stage": ""}}})) == {"model-stage-unknown"}
}

test_canary_comes_after_staging if {
	canary := {"action": {"properties": {"stage": "canary"}}}
	_denials(_model(canary)) == {"model-stage-order"}
	_denials(_model(object.union(canary, {"resource": {"properties": {"was_live_in": ["staging"]}}}))) == set()
}

test_a_rollback_goes_where_it_was if {
	_denials(_model({"action": {"properties": {"stage": "canary", "deed": "rollback"}}})) == set()
}

test_the_quarantined_is_neither_promoted_nor_loaded if {
	shut := {"resource": {"properties": {"state": "quarantined"}}}
	_denials(_model(shut)) == {"model-quarantined"}
	_denials(_load(shut)) == {"model-quarantined"}
}

test_what_cannot_be_believed_is_not_used if {
	every state in ["retired", "model_row_tampered", "model_version_unknown", "model_not_live", null] {
		_denials(_load({"resource": {"properties": {"state": state}}})) == {"model-unusable"}
	}
}

test_without_facts_nothing_is_used if {
	asked := json.remove(_load({}), ["/resource/properties/state"])
	_denials(asked) == {"model-unusable"}
}

test_without_a_good_report_nothing_becomes_live if {
	_denials(_model({"resource": {"properties": {"report": "report_own_work"}}})) == {"model-report"}
}

test_metrics_are_bounded_from_below if {
	stages := {"staging": {"least": {"auc": 0.95}}}
	_denials(_model({})) == {"model-metrics"} with data.pipeline.models.stages as stages
	good := _model({"resource": {"properties": {"metrics": {"auc": 0.95}}}})
	_denials(good) == set() with data.pipeline.models.stages as stages
	odd := _model({"resource": {"properties": {"metrics": {"auc": "high"}}}})
	_denials(odd) == {"model-metrics"} with data.pipeline.models.stages as stages
}

test_who_made_or_promoted_it_does_not_load_it_for_production if {
	_denials(_load({"subject": {"id": "trainer"}, "resource": {"properties": {"trainers": ["service:trainer"]}}})) == {"model-deployer"}
	_denials(_load({"resource": {"properties": {"promoted_by": "service:dora"}}})) == {"model-deployer"}
	_denials(_load({"subject": {"type": "user", "id": "ulla"}})) == {"model-deployer"}
	_denials(_load({"subject": {"type": "user", "id": "ulla"}, "action": {"properties": {"stage": "staging"}}})) == set()
}

test_people_use_critical_models_from_attested_devices if {
	critical := {"resource": {"critical": true}}
	_denials(_model(critical)) == {"model-critical-device"}
	_denials(_model(object.union(critical, {"device": {"trust": "attested"}}))) == set()
	_denials(_load(critical)) == set()
}

test_other_enforcement_points_say_what_they_like if {
	_denials(_model({"pep": {"id": "models"}, "resource": {"properties": {"state": "quarantined"}}})) == set()
}
