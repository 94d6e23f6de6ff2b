# Feature sets, column by column: what may be seen or written in this stage, for this purpose.
#
# Columns and their tags are attributes of the resource, from its registration. The tables in `data.pipeline.features`
# say where each tag opens a column; a tag that stands there for no stage, or not at all, opens it nowhere, and a column
# without a tag is nobody's. A derived column is as closed as the most closed column it reads.
package ostiary.guardrails

feature_action if {
	input.resource.type == "feature_set"
	input.action.name in {"features.read", "features.write"}
}

# What each tag opens for this action.
feature_rules := data.pipeline.features.reads if {
	input.resource.type == "feature_set"
	feature_action
	input.action.name == "features.read"
}

feature_rules := data.pipeline.features.writes if {
	input.resource.type == "feature_set"
	feature_action
	input.action.name == "features.write"
}

feature_columns := object.get(input.resource.attributes, "columns", {})

# Whether a rule speaks of the stage and the purpose of this access; `*` of every stage, told or not.
feature_moment(rule) if {
	feature_stage(rule)
	feature_purpose(rule)
}

feature_stage(rule) if "*" in rule.stages

feature_stage(rule) if input.action.properties.stage in rule.stages

feature_purpose(rule) if not "purposes" in object.keys(rule)

feature_purpose(rule) if input.action.properties.purpose in rule.purposes

# A tag opens a column as it is, or masked.
feature_opens(tag) if feature_moment(feature_rules[tag])

feature_masks(tag) := {rule.mask | some rule in feature_rules[tag].masked; feature_moment(rule)}

feature_open contains name if {
	some name, column in feature_columns
	count(column.tags) > 0
	every tag in column.tags {
		feature_opens(tag)
	}
}

feature_masked[name] := shown if {
	some name, column in feature_columns
	not name in feature_open
	count(column.tags) > 0
	count(column.reads) == 0
	every tag in column.tags {
		feature_shows(tag)
	}
	masks := {mask | some tag in column.tags; not feature_opens(tag); some mask in feature_masks(tag)}
	shown := feature_one_of(masks)
}

feature_shows(tag) if feature_opens(tag)

feature_shows(tag) if count(feature_masks(tag)) > 0

# Two ways of masking one column are none that either tag asked for: it shows nothing.
feature_one_of(masks) := mask if {
	count(masks) == 1
	some mask in masks
}

feature_one_of(masks) := {"method": "null"} if count(masks) > 1

# To derive is to read: every column below must be open as it is.
feature_seen contains name if {
	some name in feature_open
	every other in feature_columns[name].reads {
		other in feature_open
	}
}

feature_seen contains name if some name, _ in feature_masked

obligations contains {"id": "feature-columns", "type": "project", "properties": {"columns": sort(feature_seen)}} if {
	input.resource.type == "feature_set"
	feature_action
}

obligations contains {"id": "feature-masks", "type": "mask", "properties": {"columns": feature_masked}} if {
	input.resource.type == "feature_set"
	feature_action
	count(feature_masked) > 0
}

# METADATA
# title: columns out of reach
# description: Some of these columns are not there for this stage and purpose.
# custom:
#   id: feature-columns
#   remediation: Ask for other columns, or let the owner of the feature set open them for this stage and purpose.
deny contains {"rule": "feature-columns"} if {
	input.resource.type == "feature_set"
	feature_action
	some name in object.get(input.action.properties, "columns", [])
	not name in feature_seen
	not feature_left_to_policy(name)
}

# Where a token is asked for, `*` is every column that policy opens: which ones those are is decided at the door.
feature_left_to_policy("*") if input.pep.id == "ostiary:token"

deny contains {"rule": "feature-columns"} if {
	input.resource.type == "feature_set"
	feature_action
	count(feature_seen) == 0
}

# Which rows: filters of the deployment, and those that the feature set brings. A filter holds unless it is surely for
# other stages or purposes than this one: where nothing is told of them, all filters hold.
feature_filters contains filter if {
	input.resource.type == "feature_set"
	feature_action
	some filter in object.get(data.pipeline.features, "row_filters", [])
	some pattern in filter.sets
	glob.match(pattern, null, input.resource.id)
	not feature_elsewhere(filter)
}

feature_filters contains filter if {
	input.resource.type == "feature_set"
	feature_action
	some filter in object.get(input.resource.attributes, "row_filters", [])
	not feature_elsewhere(filter)
}

feature_elsewhere(filter) if feature_outside(filter, "stages", "stage")

feature_elsewhere(filter) if feature_outside(filter, "purposes", "purpose")

feature_outside(filter, listed, told) if {
	is_array(filter[listed])
	not "*" in filter[listed]
	is_string(input.action.properties[told])
	input.action.properties[told] != ""
	not input.action.properties[told] in filter[listed]
}

# `attribute` compares with what is known of the subject.
feature_comparison(one) := one if not one.attribute

feature_comparison(one) := {"column": one.column, "op": one.op, "value": value} if {
	value := input.subject.attributes[one.attribute]
}

obligations contains {"id": id, "type": "row_filter", "properties": {"all": comparisons}} if {
	input.resource.type == "feature_set"
	some filter in feature_filters
	comparisons := [feature_comparison(one) | some one in filter["all"]]
	id := sprintf("feature-rows-%s", [substring(crypto.sha256(json.marshal(filter)), 0, 12)])
}

# METADATA
# title: rows out of reach
# description: Which rows this subject may see depends on something that is not known of it.
# custom:
#   id: feature-rows
#   remediation: Have the missing attribute of the subject entered into the catalogue.
deny contains {"rule": "feature-rows"} if {
	input.resource.type == "feature_set"
	some filter in feature_filters
	some one in filter["all"]
	not feature_comparison(one)
}

deny contains {"rule": "feature-rows"} if {
	input.resource.type == "feature_set"
	some filter in feature_filters
	count(object.get(filter, "all", [])) == 0
}

obligations contains {"id": "feature-row-limit", "type": "row_limit", "properties": {"rows": limit}} if {
	input.resource.type == "feature_set"
	feature_action
	limit := data.pipeline.features.max_rows[input.action.properties.stage]
}

# Whoever tells no stage comes to no more rows than in the stage with the fewest.
obligations contains {"id": "feature-row-limit", "type": "row_limit", "properties": {"rows": limit}} if {
	input.resource.type == "feature_set"
	feature_action
	object.get(input.action.properties, "stage", "") == ""
	limit := min([rows | some rows in object.get(data.pipeline.features, "max_rows", {})])
}
