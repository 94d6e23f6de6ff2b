# METADATA
# title: Guardrails
# description: >
#   What is allowed, by deterministic rules. The input document holds no score. No `allow` means DENY, a `deny` beats
#   every `allow`. Each rule is known by its id; its words stand in its annotations.
package ostiary.guardrails

# A rule that is for one kind of resource, action or door says so in its first line, as a plain comparison of `input`
# with a constant or a set of constants, even where its second line asks the same once more: OPA finds rules by it, and
# never begins those of other kinds. What is looked up in a rule or in data is no constant.

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
