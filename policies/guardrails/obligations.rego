# What the enforcement point must do. These hold whatever the verdict: a break-glass opens a door, not these.
package ostiary.guardrails

obligations contains {
	"id": "export-notification",
	"type": "notification",
	"properties": {
		"to": data.protection.exports.notify,
		"body": sprintf("export of %s %s", [input.resource.type, input.resource.id]),
		"topic": "export",
	},
} if {
	input.action["class"] == "export"
	data.ostiary.lib.sensitivity >= data.protection.exports.from_sensitivity
}

obligations contains {"id": "session-lifetime", "type": "session_lifetime", "properties": {"max_age": seconds}} if {
	seconds := data.protection.session_lifetime_s[data.ostiary.lib.key]
}

obligations contains {"id": "watermark", "type": "watermark", "properties": {"text": input.subject.id}} if {
	input.action["class"] in {"read", "export"}
	not at_door # programs read there: nobody looks at a screen
	data.ostiary.lib.sensitivity >= data.protection.watermark_from_sensitivity
}

obligations contains {"id": "row-limit", "type": "row_limit", "properties": {"rows": limit}} if {
	input.action.name == "query"
	limit := data.protection.rows[data.ostiary.lib.key].limit
}

obligations contains {
	"id": "redact-columns",
	"type": "redact",
	"properties": {"columns": input.resource.attributes.personal_columns},
} if {
	input.resource.attributes.personal_columns
	not clear_view
}

obligations contains {"id": "human-review", "type": "human_review", "properties": {"because": "critical resource"}} if {
	input.resource.critical == true
	data.protection.review_classes[input.action["class"]]
}

clear_view if {
	some role in roles
	data.protection.clear_view_roles[role]
}
