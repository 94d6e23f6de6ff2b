package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

_places := {
	"registries": [{"host": "registry.example", "port": 443}],
	"logging": [
		{"host": "logs.example", "port": 8443, "pipelines": ["churn"]},
		{"host": "others.example", "port": 443, "pipelines": ["other"]},
	],
}

_dataset := {
	"name": "sales", "producer": "ingest",
	"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
}

_training(properties) := changed(examples.ci_job, {
	"/action": {
		"name": "train.run", "class": "write",
		"properties": object.union({
			"sandbox": "bubblewrap", "commit": "4f1c2d", "datasets": [_dataset],
			"environment": {"name": "system", "digest": "sha256:ab"},
		}, properties),
	},
	"/resource": {
		"type": "training", "id": "churn", "properties": {}, "attributes": {}, "sensitivity": 2,
		"critical": false, "labels": [], "known": true,
	},
})

_run(properties, places) := decision if {
	told := object.union(data.pipeline.training, places)
	decision := guardrails.decision with input as _training(properties) with data.pipeline.training as told
}

_allowed(decision) if {
	count(decision.deny) == 0
	count(decision.allow) > 0
}

test_a_run_of_a_ci_job_is_allowed_and_told_where_it_may_call if {
	decision := _run({}, _places)
	_allowed(decision)
	obligation(decision, "egress").properties.allow == {
		{"host": "registry.example", "port": 443, "kind": "registries"},
		{"host": "logs.example", "port": 8443, "kind": "logging"},
	}
}

test_with_nothing_listed_a_run_is_told_that_it_may_call_nobody if {
	decision := _run({}, {})
	_allowed(decision)
	obligation(decision, "egress").properties.allow == set()
}

test_other_actions_are_told_nothing if {
	decision := guardrails.decision with input as examples.ci_job
	not obligation(decision, "egress")
}

test_less_can_be_asked_for if _allowed(_run({"egress": ["logs.example:8443"]}, _places))

test_more_cannot if {
	every beyond in [["evil.example:443"], ["registry.example:444"], ["others.example:443"], "registry.example:443"] {
		rules(_run({"egress": beyond}, _places).deny) == {"training-egress"}
	}
}

test_a_dataset_without_proof_is_refused if {
	every change in [{"digest": ""}, {"digest": "sha256:ab"}, {"producer": ""}, {"producer": null}, {"digest": null}] {
		decision := _run({"datasets": [_dataset, object.union(_dataset, change)]}, {})
		rules(decision.deny) == {"training-dataset"}
	}
	rules(_run({"datasets": "sales"}, {}).deny) == {"training-dataset"}
}

test_a_producer_that_the_dataset_does_not_believe_is_refused if {
	_allowed(_run({}, {"producers": {"sales": ["ingest"]}}))
	rules(_run({}, {"producers": {"sales": ["cleaning"]}}).deny) == {"training-dataset"}
}

test_an_environment_must_be_approved_where_any_is_listed if {
	_allowed(_run({}, {"environments": ["sha256:ab"]}))
	rules(_run({}, {"environments": ["sha256:cd"]}).deny) == {"training-environment"}
	rules(_run({"environment": null}, {"environments": ["sha256:cd"]}).deny) == {"training-environment"}
}

test_the_commit_of_the_token_runs_and_no_other if {
	sha := "4f1c2d4f1c2d4f1c2d4f1c2d4f1c2d4f1c2d4f1c"
	asked := changed(_training({"commit": sha}), {"/subject/identity/claims/sha": sha})
	strict := object.union(data.pipeline.training, {"commit_required": true})
	count(guardrails.deny) == 0 with input as asked with data.pipeline.training as strict
	other := changed(asked, {"/subject/identity/claims/sha": "0f1c2d4f1c2d4f1c2d4f1c2d4f1c2d4f1c2d4f1c"})
	rules(guardrails.deny) == {"training-commit"} with input as other with data.pipeline.training as strict
	none := changed(asked, {"/action/properties/commit": ""})
	rules(guardrails.deny) == {"training-commit"} with input as none with data.pipeline.training as strict
}

test_another_sandbox_is_refused if {
	rules(_run({"sandbox": "none"}, {}).deny) == {"training-sandbox"}
	rules(_run({"sandbox": null}, {}).deny) == {"training-sandbox"}
}

test_nobody_trains_without_a_grant if {
	decision := guardrails.decision with input as changed(_training({}), {"/subject/type": "user"})
	count(decision.allow) == 0
}
