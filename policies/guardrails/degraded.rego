# What waits while a part of Ostiary is away: what would do most harm if it were wrong.
package ostiary.guardrails

# METADATA
# title: not while a part of Ostiary is away
# description: A part of Ostiary is away, and this action would do too much harm if it were wrong.
# custom:
#   id: degraded-high-impact
#   remediation: Try again in a moment; whoever runs Ostiary sees what is away on its readiness page.
deny contains {"rule": "degraded-high-impact", "away": code} if {
	some code in input.degraded
	high_impact
}

high_impact if input.resource.critical == true

high_impact if data.ostiary.lib.sensitivity >= data.protection.degraded.from_sensitivity

high_impact if {
	data.protection.degraded.classes[input.action.class]
	data.ostiary.lib.sensitivity >= data.protection.degraded.classes_from_sensitivity
}
