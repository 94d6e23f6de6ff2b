# What the device registry knows: quarantine, compliance, attestation. The enforcement point's own words about a device
# are `managed` and `claims`; nothing here reads them.
package ostiary.guardrails

# METADATA
# title: the device is quarantined
# description: This device was shut out by the security team or a playbook; nothing is served to it.
# custom:
#   id: device-quarantined
#   remediation: Ask the security team to look at the device and release it.
deny contains {"rule": "device-quarantined"} if input.device.quarantined == true

# METADATA
# title: the device is not compliant
# description: The device's posture is bad, too old or was never reported, and this resource is too sensitive for that.
# custom:
#   id: device-not-compliant
#   remediation: Mend what `ostiary device report --dry-run` shows, then report again.
deny contains {"rule": "device-not-compliant"} if {
	input.device.known == true
	device_asked_for("not_compliant") == "deny"
}

# METADATA
# title: the device is not compliant, prove it is you
# description: The device's posture is bad, too old or was never reported, so the subject must prove itself again.
# custom:
#   id: device-not-compliant-step-up
#   remediation: Sign in again, and mend what `ostiary device report --dry-run` shows.
step_up contains {
	"rule": "device-not-compliant-step-up",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.device.known == true
	device_asked_for("not_compliant") == "step_up"
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: only enrolled devices
# description: This resource is too sensitive for a device that nobody enrolled.
# custom:
#   id: device-unknown
#   remediation: Ask an administrator for a code, and enrol the device with `ostiary device enrol`.
deny contains {"rule": "device-unknown"} if device_asked_for("unknown") == "deny"

# METADATA
# title: unknown device, prove it is you
# description: Nobody enrolled this device, so the subject must prove itself again.
# custom:
#   id: device-unknown-step-up
#   remediation: Sign in again, or use an enrolled device.
step_up contains {
	"rule": "device-unknown-step-up",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	device_asked_for("unknown") == "step_up"
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: the device must be attested
# description: This resource is for devices whose TPM has lately vouched for them.
# custom:
#   id: device-attestation-required
#   remediation: Run `ostiary device attest` on the device.
deny contains {"rule": "device-attestation-required"} if {
	input.resource.attributes.attestation == "required"
	not input.device.trust == "attested"
}

deny contains {"rule": "device-attestation-required"} if {
	input.device.known == true
	device_asked_for("not_attested") == "deny"
}

# METADATA
# title: the device is not attested, prove it is you
# description: The device's TPM has not lately vouched for it, so the subject must prove itself again.
# custom:
#   id: device-not-attested-step-up
#   remediation: Sign in again, or run `ostiary device attest` on the device.
step_up contains {
	"rule": "device-not-attested-step-up",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.device.known == true
	device_asked_for("not_attested") == "step_up"
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: the device's own key must be used
# description: This resource is for requests that are signed by the key of an enrolled device; being named is not enough.
# custom:
#   id: device-bound-required
#   remediation: Use a token that is bound to the device's key (DPoP with the key that the device enrolled).
deny contains {"rule": "device-bound-required"} if {
	input.resource.attributes.device_binding == "required"
	not input.device.bound == true
}

# What the table asks of a device in this state, on a resource this sensitive. A word that the table's readers do not
# know asks for the harshest: a slip of the pen must not open anything. The brackets keep a list from being read as a
# path, of which the empty one leads to neither word.
device_asked_for(state) := object.get({"step_up": "step_up"}, [word], "deny") if {
	device_is[state]
	word := data.devices[state][data.ostiary.lib.key]
	word != false
}

device_is["unknown"] if not input.device.known == true

# Untold, stale and bad are one: the registry says `true` of a fresh and good posture alone.
device_is["not_compliant"] if {
	input.device.known == true
	not input.device.compliant == true
}

device_is["not_attested"] if {
	input.device.known == true
	not input.device.trust == "attested"
}
