package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

columns := {
	"user_id": {"tags": ["key"], "reads": []},
	"at": {"tags": ["time"], "reads": []},
	"amount": {"tags": ["feature"], "reads": []},
	"email": {"tags": ["pii"], "reads": []},
	"fraud": {"tags": ["label", "prod"], "reads": []},
	"iban": {"tags": ["pii", "iban"], "reads": []},
	"secret": {"tags": ["secret"], "reads": []},
	"bare": {"tags": [], "reads": []},
	"double": {"tags": ["feature"], "reads": ["amount"]},
	"risk": {"tags": ["feature"], "reads": ["amount", "secret"]},
	"leaked": {"tags": ["feature"], "reads": ["email"]},
}

features(members) := changed(examples.developer, object.union(
	{
		"resource/type": "feature_set",
		"resource/id": "customers",
		"resource/attributes": {"columns": columns},
		"resource/sensitivity": 1,
		"action/name": "features.read",
		"action/properties": {"stage": "train", "purpose": "fraud"},
	},
	members,
))

seen(decision) := {name | some name in obligation(decision, "feature-columns").properties.columns}

test_columns_follow_tags_and_closure if {
	decision := guardrails.decision with input as features({})
	seen(decision) == {"user_id", "at", "amount", "email", "fraud", "double"}
	obligation(decision, "feature-masks").properties.columns == {"email": {"method": "hash"}}
	not rules(decision.deny)["feature-columns"]
}

test_labels_are_for_training_alone if {
	decision := guardrails.decision with input as features({"action/properties": {"stage": "serve"}})
	seen(decision) == {"user_id", "at", "amount", "double"}
}

test_without_a_stage_only_what_is_open_to_all if {
	decision := guardrails.decision with input as changed(features({}), {"action/properties": {}})
	seen(decision) == {"user_id", "at", "amount", "double"}
}

test_a_hidden_column_and_one_that_never_was_are_refused_alike if {
	answers := {rules(decision.deny) |
		some name in {"secret", "nosuch", "risk", "bare", "leaked"}
		properties := {"stage": "train", "columns": ["amount", name]}
		decision := guardrails.decision with input as features({"action/properties": properties})
	}
	answers == {{"feature-columns"}}
}

test_writing_has_rules_of_its_own if {
	writing := {"action/name": "features.write", "action/properties": {"stage": "ingest"}}
	decision := guardrails.decision with input as features(writing)
	seen(decision) == {"user_id", "at", "amount", "email", "fraud", "double", "leaked"}
	training := guardrails.decision with input as features({"action/name": "features.write"})
	rules(training.deny)["feature-columns"]
}

test_a_purpose_can_be_asked_for if {
	narrow := {"feature": {"stages": ["train"], "purposes": ["fraud"]}}
	fits := guardrails.decision with input as features({})
		with data.pipeline.features.reads as narrow
	seen(fits) == {"amount", "double"}
	other := guardrails.decision with input as features({"action/properties": {"stage": "train", "purpose": "ads"}})
		with data.pipeline.features.reads as narrow
	rules(other.deny)["feature-columns"]
}

test_two_masks_show_nothing if {
	two := {"pii": {"stages": [], "masked": [
		{"stages": ["*"], "mask": {"method": "hash"}},
		{"stages": ["*"], "mask": {"method": "constant", "value": "x"}},
	]}}
	decision := guardrails.decision with input as features({})
		with data.pipeline.features.reads as two
	obligation(decision, "feature-masks").properties.columns.email == {"method": "null"}
}

test_rows_are_filtered_by_what_is_known_of_the_subject if {
	filters := [{
		"sets": ["cust*"], "stages": ["train"],
		"all": [{"column": "region", "op": "eq", "attribute": "region"}, {"column": "age", "op": "ge", "value": 18}],
	}]
	request := features({"subject/attributes": {"region": "eu"}})
	decision := guardrails.decision with input as request
		with data.pipeline.features.row_filters as filters
	found := [one.properties["all"] | some one in decision.obligations; one.type == "row_filter"]
	found == [[
		{"column": "region", "op": "eq", "value": "eu"},
		{"column": "age", "op": "ge", "value": 18},
	]]
	unknown := guardrails.decision with input as features({"subject/attributes": {}})
		with data.pipeline.features.row_filters as filters
	rules(unknown.deny)["feature-rows"]
	elsewhere := guardrails.decision with input as features({"resource/id": "other"})
		with data.pipeline.features.row_filters as filters
	count([one | some one in elsewhere.obligations; one.type == "row_filter"]) == 0
}

test_a_set_brings_filters_of_its_own_and_an_empty_one_refuses if {
	filters := [{"stages": ["*"], "all": [{"column": "age", "op": "ge", "value": 18}]}]
	own := {"columns": columns, "row_filters": filters}
	decision := guardrails.decision with input as features({"resource/attributes": own})
	count([one | some one in decision.obligations; one.type == "row_filter"]) == 1
	nothing := {"columns": columns, "row_filters": [{"stages": ["*"], "all": []}]}
	empty := guardrails.decision with input as features({"resource/attributes": nothing})
	rules(empty.deny)["feature-rows"]
}

# A filter that is left out because something is not told would show all rows.
test_a_filter_holds_unless_it_is_for_elsewhere if {
	adults := [{"column": "age", "op": "ge", "value": 18}]
	every filter in [
		{"all": adults},
		{"stages": ["explore"], "all": adults},
		{"stages": "explore", "all": adults},
		{"stages": ["*"], "purposes": ["fraud"], "all": adults},
	] {
		filtered(filter, {})
	}
	filtered({"stages": "explore", "all": adults}, {"stage": "train"})
	filtered({"stages": ["explore"], "all": adults}, {"stage": "explore", "purpose": "ads"})
	not filtered({"stages": ["explore"], "all": adults}, {"stage": "train"})
	not filtered({"purposes": ["fraud"], "all": adults}, {"stage": "train", "purpose": "ads"})
}

filtered(filter, properties) if {
	own := {"columns": columns, "row_filters": [filter]}
	request := changed(features({"resource/attributes": own}), {"action/properties": properties})
	decision := guardrails.decision with input as request
	count([one | some one in decision.obligations; one.type == "row_filter"]) == 1
}

test_who_tells_no_stage_has_the_smallest_limit_of_rows if {
	request := changed(features({}), {"action/properties": {}})
	limits := {"explore": 10000, "serve": 10}
	decision := guardrails.decision with input as request with data.pipeline.features.max_rows as limits
	obligation(decision, "feature-row-limit").properties.rows == 10
}

test_exploring_has_a_limit_of_rows if {
	decision := guardrails.decision with input as features({"action/properties": {"stage": "explore"}})
	obligation(decision, "feature-row-limit").properties.rows == 10000
	not obligation(guardrails.decision, "feature-row-limit") with input as features({})
}

test_other_actions_get_no_columns if {
	decision := guardrails.decision with input as features({"action/name": "query"})
	not obligation(decision, "feature-columns")
	not rules(decision.deny)["feature-columns"]
}

test_all_columns_are_left_to_policy_where_a_token_is_asked_for_and_nowhere_else if {
	asked := features({"action/properties": {"stage": "train", "columns": ["*"]}})
	at_the_token_door := guardrails.decision with input as changed(asked, {"pep": {"id": "ostiary:token"}})
	not rules(at_the_token_door.deny)["feature-columns"]
	at_the_features_door := guardrails.decision with input as changed(asked, {"pep": {"id": "ostiary:features"}})
	rules(at_the_features_door.deny)["feature-columns"]
}
