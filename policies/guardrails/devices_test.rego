package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

good_device := {
	"id": "dev_1",
	"managed": true,
	"known": true,
	"trust": "attested",
	"compliant": true,
	"quarantined": false,
	"posture_age_s": 60.0,
	"attested_age_s": 3600.0,
}

on_device(changes, sensitivity) := changed(examples.developer, {
	"/device": object.union(good_device, changes),
	"/resource/sensitivity": sensitivity,
})

device_rules(hits) := {rule | some rule in rules(hits); startswith(rule, "device-")}

test_a_good_device_is_not_noticed if {
	every level in [0, 1, 2, 3, 4] {
		decision := guardrails.decision with input as on_device({}, level)
		count(device_rules(decision.deny | decision.step_up)) == 0
	}
}

test_an_unknown_device_is_as_it_was if {
	every level in [0, 1, 2, 3, 4] {
		request := changed(examples.developer, {"/resource/sensitivity": level})
		decision := guardrails.decision with input as request
		count(device_rules(decision.deny | decision.step_up)) == 0
	}
}

test_quarantined_device_is_denied_everything if {
	every level in [0, 1, 2, 3, 4] {
		decision := guardrails.decision with input as on_device({"quarantined": true, "compliant": true}, level)
		device_rules(decision.deny) == {"device-quarantined"}
	}
}

test_non_compliant_device_by_sensitivity if {
	every bad in [false, null, "true", 1] {
		low := guardrails.decision with input as on_device({"compliant": bad}, 1)
		count(device_rules(low.deny | low.step_up)) == 0
		middle := guardrails.decision with input as on_device({"compliant": bad}, 2)
		device_rules(middle.deny) == set()
		device_rules(middle.step_up) == {"device-not-compliant-step-up"}
		high := guardrails.decision with input as on_device({"compliant": bad}, 3)
		device_rules(high.deny) == {"device-not-compliant"}
		highest := guardrails.decision with input as on_device({"compliant": bad}, 4)
		device_rules(highest.deny) == {"device-not-compliant"}
	}
}

test_a_fresh_strong_sign_in_answers_the_step_up if {
	request := changed(on_device({"compliant": false}, 2), {
		"/subject/identity/acr": "urn:ostiary:acr:phishing-resistant",
		"/subject/identity/auth_age_s": 60.0,
	})
	decision := guardrails.decision with input as request
	count(device_rules(decision.deny | decision.step_up)) == 0
}

test_what_the_enforcement_point_says_makes_no_device_better if {
	request := changed(on_device({"compliant": false}, 3), {
		"/device/claims": {"id": "dev_1", "compliant": true, "known": true, "trust": "attested"},
		"/context": {"device": {"id": "dev_1", "compliant": true}},
	})
	decision := guardrails.decision with input as request
	"device-not-compliant" in rules(decision.deny)
}

test_unknown_devices_when_the_table_says_so if {
	request := changed(examples.developer, {"/resource/sensitivity": 3})
	denied := guardrails.decision with input as request with data.devices.unknown as {"3": "deny"}
	device_rules(denied.deny) == {"device-unknown"}
	asked := guardrails.decision with input as request with data.devices.unknown as {"3": "step_up"}
	device_rules(asked.step_up) == {"device-unknown-step-up"}
	device_rules(asked.deny) == set()
}

test_a_word_that_nobody_knows_denies if {
	request := changed(examples.developer, {"/resource/sensitivity": 3})
	every word in ["Step_up", "allow", "none", 1, {}, [], ["step_up"], null] {
		decision := guardrails.decision with input as request with data.devices.unknown as {"3": word}
		device_rules(decision.deny) == {"device-unknown"}
	}
}

test_attestation_required_by_the_resource if {
	every trust in ["unknown", "enrolled", "reported", null] {
		request := changed(on_device({"trust": trust}, 1), {"/resource/attributes": {"attestation": "required"}})
		decision := guardrails.decision with input as request
		device_rules(decision.deny) == {"device-attestation-required"}
	}
	request := changed(on_device({}, 1), {"/resource/attributes": {"attestation": "required"}})
	decision := guardrails.decision with input as request
	count(device_rules(decision.deny)) == 0
	unknown := changed(examples.developer, {"/resource/attributes": {"attestation": "required"}})
	refused := guardrails.decision with input as unknown
	device_rules(refused.deny) == {"device-attestation-required"}
}

test_binding_required_by_the_resource if {
	every bound in [false, null, "true"] {
		request := changed(on_device({"bound": bound}, 1), {"/resource/attributes": {"device_binding": "required"}})
		decision := guardrails.decision with input as request
		device_rules(decision.deny) == {"device-bound-required"}
	}
	unknown := changed(examples.developer, {"/resource/attributes": {"device_binding": "required"}})
	refused := guardrails.decision with input as unknown
	device_rules(refused.deny) == {"device-bound-required"}
	good := changed(on_device({"bound": true}, 1), {"/resource/attributes": {"device_binding": "required"}})
	allowed := guardrails.decision with input as good
	count(device_rules(allowed.deny)) == 0
}

test_attestation_by_the_table if {
	request := on_device({"trust": "reported"}, 4)
	denied := guardrails.decision with input as request with data.devices.not_attested as {"4": "deny"}
	device_rules(denied.deny) == {"device-attestation-required"}
	asked := guardrails.decision with input as request with data.devices.not_attested as {"4": "step_up"}
	device_rules(asked.step_up) == {"device-not-attested-step-up"}
}
