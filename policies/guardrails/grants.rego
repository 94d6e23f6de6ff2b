# Roles and grants: the only way to an ALLOW. All of it is data (access/data.yaml).
package ostiary.guardrails

roles contains role if {
	some group in input.subject.groups
	some role in data.access.groups[group]
}

# Only of subjects that the catalogue knows: a public issuer gives anybody's job or workload a token.
roles contains role if {
	input.subject.known == true
	some role in data.access.types[input.subject.type]
}

# METADATA
# title: a role grants it
# description: A role of the subject grants this action on this resource.
# custom:
#   id: role-grant
#   remediation: Ask for a role that grants the action, or for the missing condition.
allow contains {"rule": "role-grant", "role": role, "grant": grant.id} if {
	some role in roles
	some grant in data.access.roles[role][input.resource.type]
	grant_covers(grant)
}

allow contains {"rule": "role-grant", "role": role, "grant": grant.id} if {
	some role in roles
	some grant in data.access.roles[role]["*"]
	grant_covers(grant)
}

# METADATA
# title: people granted it for a time
# description: Others granted the subject this action on this resource, until a time. A deny beats it like any allow.
# custom:
#   id: access-grant
#   remediation: Ask for access; the answer to your request says until when it holds.
allow contains {"rule": "access-grant", "grant": grant.id} if {
	some grant in input.grants
	grant.action == input.action.name
	grant.resource == {"type": input.resource.type, "id": input.resource.id}
	grant.until > input.time.unix
}

grant_covers(grant) if {
	# To Rego every text is more than any number: a bound that is no number must not pass.
	is_number(grant.max_sensitivity)
	data.ostiary.lib.sensitivity <= grant.max_sensitivity
	action_in(grant.actions)
	not narrowed(grant)
}

# The grant is for other resources, or asks for a condition that does not hold.
narrowed(grant) if id_outside(grant)

narrowed(grant) if condition_missing(grant)

# `class:…` stands for a class, never for an action that somebody named so.
action_in(patterns) if {
	not startswith(input.action.name, "class:")
	input.action.name in patterns
}

action_in(patterns) if "*" in patterns

action_in(patterns) if concat(":", ["class", input.action["class"]]) in patterns

action_in(patterns) if {
	some pattern in patterns
	contains(pattern, "*")
	not startswith(pattern, "class:")
	glob.match(pattern, null, input.action.name)
}

id_outside(grant) if {
	"ids" in object.keys(grant)
	not id_in(grant.ids)
}

id_in(patterns) if {
	some pattern in patterns
	glob.match(pattern, null, input.resource.id)
}

condition_missing(grant) if {
	some name in grant.when
	not held[name]
}

condition_missing(grant) if {
	"when" in object.keys(grant)
	not is_array(grant.when)
}
