package ostiary.lib_test

import data.examples
import data.ostiary.lib

identity(members) := {"subject": {"type": "user", "identity": object.union({"assurance": "token"}, members)}}

test_best_method_counts if {
	lib.auth_level == 3 with input as identity({"acr": "urn:ostiary:acr:mfa", "amr": ["pwd", "hwk"]})
	lib.auth_level == 2 with input as identity({"acr": "urn:ostiary:acr:mfa", "amr": ["pwd"]})
	lib.auth_level == 1 with input as identity({"acr": "unheard of", "amr": ["pwd", "unheard of"]})
}

test_no_method_is_no_level if {
	lib.auth_level == 0 with input as identity({})
	lib.auth_level == 0 with input as identity({"acr": "unheard of", "amr": []})
	lib.auth_level == 0 with input as {}
}

test_named_is_no_level if {
	lib.auth_level == 0 with input as identity({"assurance": "asserted", "acr": "urn:ostiary:acr:phishing-resistant"})
}

test_freshly_proven if {
	strong := {"acr": "urn:ostiary:acr:phishing-resistant", "auth_age_s": 600}
	lib.freshly_proven with input as identity(strong)
	not lib.freshly_proven with input as identity(object.union(strong, {"auth_age_s": 600.5}))
	not lib.freshly_proven with input as identity(object.union(strong, {"auth_age_s": null}))
	not lib.freshly_proven with input as identity(object.union(strong, {"acr": "urn:ostiary:acr:mfa"}))
}

test_people if {
	lib.is_person with input as {"subject": {"type": "user"}}
	not lib.is_person with input as {"subject": {"type": "service"}}
	not lib.is_person with input as {}
}

stepped_up(request, step_up) := object.union(request, {"session": {"step_up": step_up}})

test_a_step_up_for_this_access_counts if {
	weak := {"subject": {"identity": {"acr": "urn:ostiary:acr:password", "amr": ["pwd"], "auth_age_s": 90000}}}
	proof := {"acr": "urn:ostiary:acr:phishing-resistant", "age_s": 5}
	request := stepped_up(object.union(examples.developer, weak), proof)
	lib.auth_level == 3 with input as request
	lib.auth_age == 5 with input as request
	lib.freshly_proven with input as request
}

test_a_step_up_of_an_unknown_class_proves_nothing if {
	asserted := {"subject": {"identity": {"assurance": "asserted", "auth_age_s": null}}}
	request := stepped_up(object.union(examples.developer, asserted), {"acr": "urn:made-up", "age_s": 1})
	lib.auth_level == 0 with input as request
}

test_no_step_up_leaves_the_token_alone if {
	request := stepped_up(examples.developer, null)
	lib.auth_level == 2 with input as request
	not lib.freshly_proven with input as object.union(request, {"subject": {"identity": {"auth_age_s": 90000}}})
}

# A weak sign-in of this minute and a strong proof of hours ago are not a strong proof of this minute, either way round.
test_one_proof_is_both_strong_and_fresh if {
	strong := "urn:ostiary:acr:phishing-resistant"
	weak := "urn:ostiary:acr:password"
	fresh_token := identity({"acr": weak, "auth_age_s": 5})
	not lib.freshly_proven with input as stepped_up(fresh_token, {"acr": strong, "age_s": 3000})
	old_token := identity({"acr": strong, "auth_age_s": 3000})
	not lib.freshly_proven with input as stepped_up(old_token, {"acr": weak, "age_s": 5})
	not lib.freshly_proven with input as stepped_up(old_token, {"acr": "urn:made-up", "age_s": 5})
	lib.freshly_proven with input as stepped_up(old_token, {"acr": strong, "age_s": 5})
	lib.proven(1, 60) with input as stepped_up(fresh_token, {"acr": strong, "age_s": 3000})
	lib.proven(3, 3600) with input as stepped_up(fresh_token, {"acr": strong, "age_s": 3000})
}
