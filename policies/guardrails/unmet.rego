# Why nothing allowed the request: what was missing. Only looked at when there is no allow.
package ostiary.guardrails

unmet := {reason | some reason in missing} if count(allow) == 0 else := set()

missing contains {"rule": "role-grant", "condition": "the subject has no role"} if count(roles) == 0

missing contains {"rule": "role-grant", "condition": sentence} if {
	count(roles) > 0
	count(near_grants) == 0
	sentence := sprintf("no role of the subject grants `%s` on resources of type `%s`", [input.action.name, input.resource.type])
}

missing contains {"rule": "role-grant", "condition": sentence} if {
	some grant in near_grants
	some sentence in lacking(grant)
}

# Grants that speak of this action on this type of resource, and still do not cover it.
near_grants contains grant if {
	some role in roles
	some kind in {"*", input.resource.type}
	some grant in data.access.roles[role][kind]
	action_in(grant.actions)
}

lacking(grant) := array.concat(
	array.concat(
		[sprintf("grant `%s` reaches sensitivity %v, this resource has %v", [grant.id, grant.max_sensitivity, level]) |
			level := data.ostiary.lib.sensitivity
			level > grant.max_sensitivity
		],
		[sprintf("grant `%s` is for other resources than this one", [grant.id]) | id_outside(grant)],
	),
	[sprintf("grant `%s`: %s", [grant.id, object.get(wanted, name, name)]) |
		some name in grant.when
		not held[name]
	],
)
