package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

on_console(roles, members) := changed(examples.developer, object.union(
	{
		"pep/id": "ostiary:console",
		"resource/type": "console",
		"resource/id": "decisions",
		"resource/sensitivity": 2,
		"action/name": "console.view",
		"subject/identity": object.union(examples.developer.subject.identity, {
			"acr": "urn:ostiary:acr:phishing-resistant",
			"auth_age_s": 60,
			"claims": {"console": {"roles": roles}},
		}),
	},
	members,
))

test_a_role_opens_its_pages_alone if {
	decision := guardrails.decision with input as on_console(["developer"], {})
	rules(decision.allow)["console-role"]
	other := guardrails.decision with input as on_console(["developer"], {"resource/id": "keys"})
	not rules(other.allow)["console-role"]
	deed := guardrails.decision with input as on_console(["developer"], {"action/name": "console.respond"})
	not rules(deed.allow)["console-role"]
}

test_an_owner_opens_every_page if {
	every area in ["keys", "audit", "people"] {
		decision := guardrails.decision with input as on_console(["owner"], {"resource/id": area})
		rules(decision.allow)["console-role"]
	}
}

test_a_claim_of_another_door_opens_nothing if {
	decision := guardrails.decision with input as on_console(["owner"], {"pep/id": "gateway-1"})
	not rules(decision.allow)["console-role"]
	rules(decision.deny)["console-door"]
}

test_being_named_opens_nothing if {
	named := {"assurance": "asserted", "claims": {"console": {"roles": ["owner"]}}}
	decision := guardrails.decision with input as on_console(["owner"], {"subject/identity": named})
	not rules(decision.allow)["console-role"]
	rules(decision.deny)["console-door"]
}

test_no_other_role_grants_a_page if {
	decision := guardrails.decision with input as on_console([], {"subject/groups": ["tenant-admins", "auditors"]})
	not rules(decision.allow)["console-role"]
}

test_a_deed_needs_a_fresh_sign_in if {
	deed := {"action/name": "console.change", "resource/id": "people"}
	fresh := guardrails.decision with input as on_console(["owner"], deed)
	not rules(fresh.step_up)["console-confirm"]
	old := json.patch(on_console(["owner"], deed), [{"op": "replace", "path": "/subject/identity/auth_age_s", "value": 3600}])
	decision := guardrails.decision with input as old
	rules(decision.step_up)["console-confirm"]
	own := json.patch(old, [{"op": "replace", "path": "/resource/id", "value": "self"}])
	mine := guardrails.decision with input as own
	not rules(mine.step_up)["console-confirm"]
}

test_the_deployment_is_for_those_who_look_after_it if {
	place := {"resource/id": "deployment"}
	one := guardrails.decision with input as on_console(["owner"], place)
	rules(one.deny)["console-deployment"]
	keeper := json.patch(on_console(["owner"], place), [{"op": "add", "path": "/subject/identity/claims/console/deployment", "value": true}])
	two := guardrails.decision with input as keeper
	not rules(two.deny)["console-deployment"]
}

test_an_export_is_confirmed_and_needs_no_managed_device if {
	taken := {"action/name": "console.export", "action/class": "export", "device": {}}
	decision := guardrails.decision with input as on_console(["analyst"], taken)
	not rules(decision.deny)["unmanaged-device-no-export"]
}
