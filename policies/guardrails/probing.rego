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
	"by": kind,
	"retry_after": data.protection.probing.retry_after_s,
} if {
	some kind in decision_probing("deny")
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
	some _ in decision_probing("suspect")
	data.ostiary.lib.is_person
	not data.ostiary.lib.freshly_proven
}

# The kinds of questions of which there are too many. What nobody could watch is suspect, and never refused for that:
# else whoever fills the watch could lock out everybody else.
decision_probing(tier) := {limit.kind |
	some limit in data.protection.probing[tier]
	input.probing[limit.kind] >= limit.from
} | unwatched(tier)

unwatched("suspect") := {"unwatched"} if input.probing.watched == false

unwatched("suspect") := set() if not input.probing.watched == false

unwatched("deny") := set()
