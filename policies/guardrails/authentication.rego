# How well the subject must have proven who it is.
package ostiary.guardrails

# METADATA
# title: a token is needed for sensitive data
# description: Sensitive resources are only for subjects that prove themselves by a token; being named is not enough.
# custom:
#   id: subject-token-required
#   remediation: Send the subject's own token in `context.subject_token`.
deny contains {"rule": "subject-token-required"} if {
	input.subject.identity.assurance != "token"
	data.ostiary.lib.sensitivity >= data.protection.token_from_sensitivity
}

# METADATA
# title: stronger sign-in needed
# description: The sensitivity of this resource asks for a stronger or more recent sign-in.
# custom:
#   id: stronger-sign-in-needed
#   remediation: Sign in again with the method asked for.
step_up contains {"rule": "stronger-sign-in-needed", "acr_values": data.authentication.acr_values[sprintf("%d", [level])]} if {
	level := data.authentication.required_level[data.ostiary.lib.key]
	data.ostiary.lib.auth_level < level
	data.ostiary.lib.is_person
	input.subject.identity.assurance == "token"
}

step_up contains {
	"rule": "stronger-sign-in-needed",
	"acr_values": data.authentication.acr_values[sprintf("%d", [level])],
	"max_age": age,
} if {
	age := data.authentication.max_age_s[data.ostiary.lib.key]
	level := data.authentication.required_level[data.ostiary.lib.key]
	not recent(level, age)
	data.ostiary.lib.is_person
	input.subject.identity.assurance == "token"
}

recent(level, age) if data.ostiary.lib.proven(level, age)

# Where the level itself is missing, the rule before this one asks for it.
recent(level, age) if {
	data.ostiary.lib.auth_level < level
	data.ostiary.lib.auth_age <= age
}

# METADATA
# title: production databases need several factors
# description: Production databases are only for people who signed in with several factors, not too long ago.
# custom:
#   id: prod-db-needs-mfa
#   remediation: Sign in again with a second factor.
step_up contains {
	"rule": "prod-db-needs-mfa",
	"acr_values": data.authentication.acr_values[sprintf("%d", [level])],
	"max_age": data.authentication.production_database.max_age_s,
} if {
	input.resource.type == "database"
	"production" in input.resource.labels
	production_sign_in_weak
	data.ostiary.lib.is_person

	# Where the sensitivity asks for more, ask for it at once: one step-up, not two.
	level := max([
		data.authentication.production_database.level,
		data.authentication.required_level[data.ostiary.lib.key],
	])
}

production_sign_in_weak if data.ostiary.lib.auth_level < data.authentication.production_database.level

production_sign_in_weak if {
	needed := data.authentication.production_database
	not data.ostiary.lib.proven(needed.level, needed.max_age_s)
}

# At the token endpoint a platform's token becomes a bound one, and nothing else is to be had there.
exchanging if input.pep.id == "ostiary:token"

# METADATA
# title: service tokens are bound to a key
# description: A service's token must be bound to a key it holds (DPoP or mTLS), so that a stolen token is worthless.
# custom:
#   id: service-token-bound
#   remediation: Use a DPoP-bound or certificate-bound token.
deny contains {"rule": "service-token-bound"} if {
	input.subject.identity.proof == "none"
	data.protection.bound_tokens.types[input.subject.type]
	not exchanging
	data.ostiary.lib.sensitivity >= data.protection.bound_tokens.from_sensitivity
}

# METADATA
# title: the token lacks a scope
# description: The resource asks for a scope that the subject's token does not carry.
# custom:
#   id: scope-missing
#   remediation: Ask the issuer for a token with the scope that the resource names.
deny contains {"rule": "scope-missing", "scope": scope} if {
	scope := input.resource.attributes.required_scope
	not scope in input.subject.identity.scopes
}
