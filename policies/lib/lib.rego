# METADATA
# title: What both packages need
# description: >
#   Facts derived from the request alone. Nothing here may look at a score: the guardrails read this package.
package ostiary.lib

# 0 public … 4 crown jewels. Untold counts as the table says, anything odd as the highest.
sensitivity := level if {
	level := [0, 1, 2, 3, 4][input.resource.sensitivity]
} else := data.protection.default_sensitivity if {
	object.get(input.resource, "sensitivity", null) == null
} else := 4

# The sensitivity as a key of the tables in data.
key := ["0", "1", "2", "3", "4"][sensitivity]

is_person if data.authentication.people[input.subject.type]

# How strongly the subject proved itself: by the best of its token's method names, or by a step-up for this very access.
# Being merely told proves nothing.
default auth_level := 0

auth_level := max(levels) if {
	levels := array.concat(token_levels, step_up_levels)
	count(levels) > 0
}

default token_levels := []

token_levels := array.concat(
	[level | level := data.authentication.acr_levels[input.subject.identity.acr]],
	[level | level := data.authentication.amr_levels[input.subject.identity.amr[_]]],
) if {
	input.subject.identity.assurance == "token"
}

# Ostiary itself has seen this proof, and knows that it is for this subject, session, action and resource.
step_up_levels := [level | level := data.authentication.acr_levels[input.session.step_up.acr]]

# Seconds since the subject proved itself; a sign-in of unknown age is older than anything.
auth_age := min(ages) if {
	ages := array.concat(
		[age | age := input.subject.identity.auth_age_s; is_number(age)],
		[age | age := input.session.step_up.age_s; is_number(age)],
	)
	count(ages) > 0
} else := 1000000000000

# Each proof with its level and its age: one must be both strong and fresh, two do not make up for each other.
token_age := input.subject.identity.auth_age_s if {
	is_number(input.subject.identity.auth_age_s)
} else := 1000000000000

proofs contains {"level": level, "age": token_age} if some level in token_levels

proofs contains {"level": level, "age": input.session.step_up.age_s} if {
	some level in step_up_levels
	is_number(input.session.step_up.age_s)
}

# Whether the subject proved itself at this level or above, at most so many seconds ago.
proven(level, age) if {
	some proof in proofs
	proof.level >= level
	proof.age <= age
}

# A phishing-resistant sign-in of the last minutes.
freshly_proven if proven(3, data.authentication.fresh_s)
