package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

test_plain_read_has_no_obligations if {
	decision := guardrails.decision with input as examples.developer
	count(decision.obligations) == 0
}

test_export_is_told if {
	request := changed(examples.developer, {"/action/class": "export"})
	decision := guardrails.decision with input as request
	found := obligation(decision, "export-notification")
	found.type == "notification"
	found.properties.to == "data-protection"
	found.properties.body == "export of repository payments-api"
}

test_small_export_is_not_told if {
	request := changed(examples.developer, {"/action/class": "export", "/resource/sensitivity": 1})
	decision := guardrails.decision with input as request
	not obligation(decision, "export-notification")
}

test_sensitive_sessions_are_short if {
	decision := guardrails.decision with input as examples.developer_at_night
	obligation(decision, "session-lifetime").properties.max_age == 14400
}

test_crown_jewel_sessions_are_shorter if {
	decision := guardrails.decision with input as examples.admin
	obligation(decision, "session-lifetime").properties.max_age == 1800
}

test_watermark if {
	decision := guardrails.decision with input as examples.developer_at_night
	obligation(decision, "watermark").properties.text == "dana"
}

test_row_limit_goes_with_queries if {
	decision := guardrails.decision with input as examples.developer_at_night
	obligation(decision, "row-limit").properties.rows == 10000
}

personal := {"/resource/attributes": {"personal_columns": ["email", "iban"]}}

test_personal_columns_are_masked if {
	decision := guardrails.decision with input as changed(examples.developer_at_night, personal)
	obligation(decision, "redact-columns").properties.columns == ["email", "iban"]
}

test_clear_view if {
	request := changed(examples.developer_at_night, object.union(personal, {"/subject/groups": ["data-engineers"]}))
	decision := guardrails.decision with input as request
	not obligation(decision, "redact-columns")
}

test_human_review_of_critical_changes if {
	decision := guardrails.decision with input as examples.admin
	obligation(decision, "human-review").type == "human_review"
}

test_no_review_of_critical_reads if {
	request := changed(examples.developer, {"/resource/critical": true})
	decision := guardrails.decision with input as request
	not obligation(decision, "human-review")
}
