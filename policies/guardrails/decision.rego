# METADATA
# title: Guardrails
# description: >
#   What is allowed, by deterministic rules. The input document holds no score. No `allow` means DENY, a `deny` beats
#   every `allow`. Each rule is known by its id; its words stand in its annotations. A rule of one kind of resource names
#   the type in a first line of its own, before the helper that says it too: OPA finds rules by such lines and passes over
#   the others unread, a fifth of an evaluation.
package ostiary.guardrails

decision := {
	"allow": allow,
	"ceiling": ceiling,
	"deny": deny,
	"obligations": obligations,
	"reduce": reduce,
	"step_up": step_up,
	"terminate": terminate,
	"unmet": unmet,
}

# The harshest effect that models alone may cause.
default ceiling := "TERMINATE"

ceiling := "STEP_UP" if input.resource.critical == true
