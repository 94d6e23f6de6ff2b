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
