package ostiary.guardrails_test

import data.ostiary.guardrails

_read := {
	"tenant": "default",
	"pep": {"id": "ostiary:datasets"},
	"subject": {
		"type": "ci_job", "id": "github:owner:1:repository:2", "known": true, "groups": [], "attributes": {}, "properties": {},
		"identity": {
			"assurance": "token", "issuer": "https://pdp.example/oauth/default", "exchanged": true, "proof": "dpop",
			"claims": {"authorization_details": [{
				"type": "ostiary_dataset", "identifier": "sales",
				"actions": ["dataset.read", "dataset.list", "dataset.write", "dataset.delete"],
			}]},
		},
	},
	"action": {
		"name": "dataset.read", "class": "read",
		"properties": {"purpose": "training", "stage": "train", "path": "a", "bytes": 10, "range": [0, 10], "verified": true},
	},
	"resource": {
		"type": "dataset", "id": "sales", "known": true, "sensitivity": 2, "labels": [], "critical": false,
		"attributes": {
			"purposes": ["training"], "stages": ["train"], "produced_by": ["ingest"], "reads": "verified",
			"max_read_bytes": 100,
		},
		"properties": {"manifest": "verified"},
	},
	"session": {"id": "s", "state": "active"},
	"device": {}, "network": {}, "context": {},
}

_why(members) := {rule |
	some rule in rules(guardrails.deny) with input as changed(_read, members)
	startswith(rule, "dataset-")
}

_write(stage) := {"action/name": "dataset.write", "action/properties/stage": stage}

test_a_read_for_its_purpose_by_its_stage_passes if _why({}) == set()

test_another_purpose_does_not if _why({"action/properties/purpose": "marketing"}) == {"dataset-purpose"}

test_no_purpose_is_none_of_them if _why({"action/properties": {"stage": "train"}}) == {"dataset-purpose"}

test_a_list_of_purposes_is_not_one_of_them if {
	_why({"action/properties/purpose": ["training"]}) == {"dataset-purpose"}
}

test_another_stage_does_not_read if _why({"action/properties/stage": "serve"}) == {"dataset-stage"}

test_a_listing_asks_the_same if {
	_why({"action/name": "dataset.list", "action/properties/purpose": "marketing"}) == {"dataset-purpose"}
}

test_a_dataset_that_names_no_purpose_asks_for_none if {
	_why({"resource/attributes": {}, "action/properties": {"bytes": 10}}) == set()
}

test_the_stage_that_produces_writes if _why(_write("ingest")) == set()

test_the_stage_that_reads_does_not_write if _why(_write("train")) == {"dataset-producer-stage"}

test_no_stage_does_not_write if {
	_why({"action/name": "dataset.write", "action/properties": {}}) == {"dataset-producer-stage"}
}

test_without_a_producing_stage_nobody_writes if {
	_why(object.union(_write("ingest"), {"resource/attributes": {}})) == {"dataset-producer-stage"}
}

test_removing_is_a_change if {
	_why({"action/name": "dataset.delete"}) == {"dataset-producer-stage"}
}

test_the_bound_itself_may_be_read if _why({"action/properties/bytes": 100}) == set()

test_one_byte_more_may_not if _why({"action/properties/bytes": 101}) == {"dataset-read-size"}

test_what_is_no_count_is_too_much if {
	every count_ in ["10", true, -1, [1]] {
		_why({"action/properties/bytes": count_}) == {"dataset-read-size"}
	}
}

test_the_bound_for_all_holds_as_well if {
	found := _why({}) with data.pipeline.datasets.max_read_bytes as 9
	found == {"dataset-read-size"}
}

test_verified_only_wants_a_manifest_and_a_verified_read if {
	every members in [
		{"resource/properties": {"manifest": "manifest_absent"}},
		{"resource/properties": {}},
		{"action/properties/verified": false},
	] {
		_why(object.union(members, {"resource/labels": ["verified-only"]})) == {"dataset-unsigned"}
	}
	_why({"resource/labels": ["verified-only"]}) == set()
}

test_the_manifest_itself_can_be_had if {
	_why({
		"resource/labels": ["verified-only"], "resource/properties": {},
		"action/properties": {"purpose": "training", "stage": "train", "manifest": true},
	}) == set()
}

test_other_enforcement_points_have_other_rules if {
	_why({"pep/id": "warehouse", "action/name": "query", "action/properties": {}}) == set()
}

test_whoever_reads_it_reads_it_for_its_purposes_in_its_stages if {
	every pep in ["ostiary:token", "cli"] {
		_why({"pep/id": pep, "action/properties/stage": "validate"}) == {"dataset-stage"}
		_why({"pep/id": pep, "action/properties/purpose": "advertising"}) == {"dataset-purpose"}
	}
}
