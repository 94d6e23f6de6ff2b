# Mapping what scores accesses: budgets of questions that could, and what becomes of those who ask too many of them.
package ostiary.guardrails

# METADATA
# title: too many different questions
# description: Too many questions of a kind that maps a scorer were asked, so no more of them are answered for now.
# custom:
#   id: question-budget-spent
#   remediation: Wait, or ask from where and as you usually do.
deny contains {"rule": "question-budget-spent", "by": by, "retry_after": input.probing.wait_s} if {
	some by in input.probing.spent
}

# METADATA
# title: what scores accesses is being mapped
# description: Too many different questions close to each other were asked, so none is answered for now.
# custom:
#   id: decision-probing
#   remediation: Wait until the window has passed; for research, ask the owner of this service.
deny contains {
	"rule": "decision-probing",
	"by": limit.kind,
	"retry_after": data.protection.probing.retry_after_s,
} if {
	some limit in data.protection.probing.deny
	input.probing[limit.kind] >= limit.from
}

# METADATA
# title: these questions look like probing
# description: Many different questions close to each other were asked, so the asker must prove itself again.
# custom:
#   id: decision-probing-step-up
#   remediation: Sign in again with a security key or passkey.
step_up contains {
	"rule": "decision-probing-step-up",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	decision_suspect
	data.ostiary.lib.is_person
	not data.ostiary.lib.freshly_proven
}

# There are too many questions of a kind. What nobody could watch is suspect, and never refused for that: else whoever
# fills the watch could lock out everybody else.
decision_suspect if {
	some limit in data.protection.probing.suspect
	input.probing[limit.kind] >= limit.from
}

decision_suspect if input.probing.watched == false
