# Roles and grants: the only way to an ALLOW. All of it is data (access/data.yaml).
package ostiary.guardrails

roles contains role if {
	some group in input.subject.groups
	some role in data.access.groups[group]
}

roles contains role if {
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

grant_covers(grant) if {
	data.ostiary.lib.sensitivity <= grant.max_sensitivity
	action_in(grant.actions)
	not narrowed(grant)
}

# The grant is for other resources, or asks for a condition that does not hold.
narrowed(grant) if id_outside(grant)

narrowed(grant) if condition_missing(grant)

action_in(patterns) if input.action.name in patterns

action_in(patterns) if "*" in patterns

action_in(patterns) if concat(":", ["class", input.action["class"]]) in patterns

action_in(patterns) if {
	some pattern in patterns
	contains(pattern, "*")
	glob.match(pattern, null, input.action.name)
}

id_outside(grant) if {
	grant.ids
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
