# Conditions that a grant may demand with `when`. A condition that does not stand here never holds.
package ostiary.guardrails

held["managed-device"] if input.device.managed == true

held["mfa"] if data.ostiary.lib.auth_level >= 2

held["office-hours"] if {
	# To Rego null is less than any number: an untold hour or day must not pass a `<`.
	is_number(input.time.local_hour)
	input.time.local_hour >= 7
	input.time.local_hour < 19
	input.time.weekday in {0, 1, 2, 3, 4}
}

held["token"] if input.subject.identity.assurance == "token"

held["trusted-network"] if input.network.trusted == true

wanted := {
	"managed-device": "the device must be managed",
	"mfa": "the sign-in must have several factors",
	"office-hours": "it must be between 07:00 and 19:00 on a working day, where the subject is",
	"token": "the subject must prove itself by a token",
	"trusted-network": "the request must come from a trusted network",
}
