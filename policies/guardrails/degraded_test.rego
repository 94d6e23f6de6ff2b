package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

_waits(changes) if {
	decision := guardrails.decision with input as changed(examples.developer, changes)
	some hit in decision.deny
	hit.rule == "degraded-high-impact"
}

_away(sensitivity, critical, class) := {
	"/degraded": ["valkey_away"],
	"/resource/sensitivity": sensitivity,
	"/resource/critical": critical,
	"/action/class": class,
}

test_nothing_waits_while_all_is_there if {
	not _waits(object.remove(_away(4, true, "delete"), {"/degraded"}))
}

test_high_impact_waits_while_something_is_away if {
	_waits(_away(0, true, "read"))
	_waits(_away(3, false, "read"))
	_waits(_away(2, false, "export"))
}

test_the_rest_goes_on if {
	not _waits(_away(2, false, "read"))
	not _waits(_away(1, false, "export"))
}
