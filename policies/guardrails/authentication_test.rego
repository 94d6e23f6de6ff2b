package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

password := {"/subject/identity/acr": "urn:ostiary:acr:password", "/subject/identity/amr": ["pwd"]}

test_subject_token_required_on_sensitive if {
	request := changed(examples.developer_at_night, {"/subject/identity/assurance": "asserted"})
	decision := guardrails.decision with input as request
	"subject-token-required" in rules(decision.deny)
}

test_asserted_is_enough_below if {
	request := changed(examples.developer, {"/subject/identity/assurance": "asserted"})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_untold_sensitivity_counts_as_sensitive if {
	request := changed(examples.developer, {
		"/resource/sensitivity": null,
		"/subject/identity/assurance": "asserted",
	})
	decision := guardrails.decision with input as request
	"subject-token-required" in rules(decision.deny)
}

test_odd_sensitivity_counts_as_the_highest if {
	every value in [5, -1, 2.5, "3", true, [1], {"a": 1}] {
		request := changed(examples.developer, {"/resource/sensitivity": value})
		data.ostiary.lib.sensitivity == 4 with input as request
	}
}

test_told_sensitivity_is_taken if {
	every value in [0, 1, 2, 3, 4] {
		request := changed(examples.developer, {"/resource/sensitivity": value})
		data.ostiary.lib.sensitivity == value with input as request
	}
}

test_sensitive_needs_several_factors if {
	request := changed(examples.developer, object.union(password, {"/resource/sensitivity": 3}))
	decision := guardrails.decision with input as request
	decision.step_up == {{
		"rule": "stronger-sign-in-needed",
		"acr_values": ["urn:ostiary:acr:mfa", "urn:ostiary:acr:phishing-resistant"],
	}}
}

test_password_is_enough_below if {
	request := changed(examples.developer, password)
	decision := guardrails.decision with input as request
	count(decision.step_up) == 0
}

test_old_sign_in_is_not_enough if {
	request := changed(examples.developer, {"/resource/sensitivity": 3, "/subject/identity/auth_age_s": 28801})
	decision := guardrails.decision with input as request
	some hit in decision.step_up
	hit.rule == "stronger-sign-in-needed"
	hit.max_age == 28800
}

test_sign_in_of_unknown_age_is_too_old if {
	request := changed(examples.developer, {"/resource/sensitivity": 3, "/subject/identity/auth_age_s": null})
	decision := guardrails.decision with input as request
	rules(decision.step_up) == {"stronger-sign-in-needed"}
}

test_crown_jewels_need_phishing_resistance if {
	request := changed(examples.developer, {"/resource/sensitivity": 4, "/subject/identity/auth_age_s": 10})
	decision := guardrails.decision with input as request
	decision.step_up == {{
		"rule": "stronger-sign-in-needed",
		"acr_values": ["urn:ostiary:acr:phishing-resistant"],
	}}
}

test_hardware_key_satisfies_crown_jewels if {
	request := changed(examples.developer, {
		"/resource/sensitivity": 4,
		"/subject/identity/acr": "",
		"/subject/identity/amr": ["pwd", "hwk"],
		"/subject/identity/auth_age_s": 10,
	})
	decision := guardrails.decision with input as request
	count(decision.step_up) == 0
}

test_services_are_not_asked_to_sign_in if {
	request := changed(examples.ci_job, {"/resource/labels": []})
	decision := guardrails.decision with input as request
	count(decision.step_up) == 0
}

test_prod_db_needs_mfa if {
	request := changed(examples.developer_at_night, object.union(password, {"/resource/sensitivity": 1}))
	decision := guardrails.decision with input as request
	decision.step_up == {{
		"rule": "prod-db-needs-mfa",
		"acr_values": ["urn:ostiary:acr:mfa", "urn:ostiary:acr:phishing-resistant"],
		"max_age": 28800,
	}}
}

test_prod_db_needs_recent_sign_in if {
	request := changed(examples.developer_at_night, {
		"/resource/sensitivity": 1,
		"/subject/identity/auth_age_s": 50000,
	})
	decision := guardrails.decision with input as request
	rules(decision.step_up) == {"prod-db-needs-mfa"}
}

test_prod_db_with_crown_jewels_asks_for_the_stronger_at_once if {
	request := changed(examples.developer_at_night, object.union(password, {"/resource/sensitivity": 4}))
	decision := guardrails.decision with input as request
	{hit.rule | some hit in decision.step_up} == {"prod-db-needs-mfa", "stronger-sign-in-needed"}
	every hit in decision.step_up {
		hit.acr_values == ["urn:ostiary:acr:phishing-resistant"]
	}
}

test_other_databases_do_not_ask if {
	changes := object.union(password, {"/resource/sensitivity": 1, "/resource/labels": ["staging"]})
	request := changed(examples.developer_at_night, changes)
	decision := guardrails.decision with input as request
	count(decision.step_up) == 0
}

test_service_token_must_be_bound if {
	request := changed(examples.developer, {"/subject/type": "service", "/subject/groups": []})
	decision := guardrails.decision with input as request
	"service-token-bound" in rules(decision.deny)
}

test_service_token_may_be_exchanged_for_a_bound_one if {
	request := changed(examples.developer, {"/subject/type": "service", "/subject/groups": [], "/pep/id": "ostiary:token"})
	decision := guardrails.decision with input as request
	not "service-token-bound" in rules(decision.deny)
}

test_bound_service_token_is_fine if {
	every proof in ["dpop", "mtls"] {
		request := changed(examples.developer, {
			"/subject/type": "service",
			"/subject/groups": [],
			"/subject/identity/proof": proof,
			"/resource/type": "document",
		})
		decision := guardrails.decision with input as request
		count(decision.deny) == 0
		rules(decision.allow) == {"role-grant"}
	}
}

test_scope_missing if {
	request := changed(examples.developer, {"/resource/attributes": {"required_scope": "repo:read"}})
	decision := guardrails.decision with input as request
	decision.deny == {{"rule": "scope-missing", "scope": "repo:read"}}
}

test_scope_present if {
	request := changed(examples.developer, {"/resource/attributes": {"required_scope": "openid"}})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_an_old_strong_sign_in_and_a_fresh_weak_proof_do_not_make_up_for_each_other if {
	old := {
		"/subject/identity/acr": "urn:ostiary:acr:phishing-resistant",
		"/subject/identity/auth_age_s": 90000,
		"/session/step_up": {"acr": "urn:ostiary:acr:password", "age_s": 5},
	}
	decision := guardrails.decision with input as changed(examples.developer_at_night, old)
	"prod-db-needs-mfa" in rules(decision.step_up)
	sensitive := guardrails.decision with input as changed(examples.developer, object.union(old, {"/resource/sensitivity": 4}))
	"stronger-sign-in-needed" in rules(sensitive.step_up)
	renewed := object.union(old, {"/session/step_up": {"acr": "urn:ostiary:acr:phishing-resistant", "age_s": 5}})
	after := guardrails.decision with input as changed(examples.developer_at_night, renewed)
	count(after.step_up) == 0
}
