package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

test_grant_names_role_and_grant if {
	decision := guardrails.decision with input as examples.developer
	decision.allow == {{"rule": "role-grant", "role": "developer", "grant": "developer-repositories"}}
}

test_no_groups_no_roles if {
	request := changed(examples.developer, {"/subject/groups": []})
	decision := guardrails.decision with input as request
	count(decision.allow) == 0
	decision.unmet == {{"rule": "role-grant", "condition": "the subject has no role"}}
}

test_unknown_group_grants_nothing if {
	request := changed(examples.developer, {"/subject/groups": ["poets"]})
	decision := guardrails.decision with input as request
	count(decision.allow) == 0
}

test_action_that_no_role_grants if {
	request := changed(examples.developer_at_night, {"/action": {"name": "drop", "class": "delete", "properties": {}}})
	decision := guardrails.decision with input as request
	count(decision.allow) == 0
	sentence := "no role of the subject grants `drop` on resources of type `database`"
	decision.unmet == {{"rule": "role-grant", "condition": sentence}}
}

test_action_class_grants if {
	request := changed(examples.developer, {
		"/resource/type": "document",
		"/action": {"name": "docs.get", "class": "read", "properties": {}},
	})
	decision := guardrails.decision with input as request
	rules(decision.allow) == {"role-grant"}
}

test_sensitivity_beyond_the_grant if {
	request := changed(examples.developer, {"/resource/sensitivity": 4})
	decision := guardrails.decision with input as request
	count(decision.allow) == 0
	sentence := "grant `developer-repositories` reaches sensitivity 3, this resource has 4"
	decision.unmet == {{"rule": "role-grant", "condition": sentence}}
}

test_ids_narrow_a_grant if {
	base := changed(examples.developer_at_night, {"/subject/groups": ["analysts"], "/resource/labels": []})
	inside := changed(base, {"/resource/id": "reporting-eu"})
	outside := changed(base, {"/resource/id": "payments-prod"})
	count(guardrails.decision.allow) == 1 with input as inside
	count(guardrails.decision.allow) == 0 with input as outside
	unmet := guardrails.decision.unmet with input as outside
	some reason in unmet
	reason.condition == "grant `analyst-queries-reports` is for other resources than this one"
}

test_glob_in_actions if {
	request := changed(examples.developer, {"/action/name": "git.push"})
	allow := guardrails.decision.allow with input as request
		with data.access.roles as {"developer": {"repository": [{"id": "g", "actions": ["git.*"], "max_sensitivity": 3}]}}
	count(allow) == 1
}

test_glob_does_not_match_elsewhere if {
	request := changed(examples.developer, {"/action/name": "svn.push"})
	allow := guardrails.decision.allow with input as request
		with data.access.roles as {"developer": {"repository": [{"id": "g", "actions": ["git.*"], "max_sensitivity": 3}]}}
	count(allow) == 0
}

test_grant_on_any_type if {
	request := changed(examples.developer, {"/subject/groups": ["auditors"], "/resource/type": "ledger"})
	decision := guardrails.decision with input as request
	decision.allow == {{"rule": "role-grant", "role": "auditor", "grant": "auditor-reads"}}
}

test_roles_add_up if {
	request := changed(examples.developer, {"/subject/groups": ["developers", "ml-engineers"]})
	decision := guardrails.decision with input as request
	count(decision.allow) == 2
}

test_agents_have_a_role_by_type if {
	request := changed(examples.developer, {
		"/subject/type": "agent",
		"/subject/groups": [],
		"/resource/type": "document",
	})
	decision := guardrails.decision with input as request
	rules(decision.allow) == {"role-grant"}
	count(decision.deny) == 0
}

condition_grant(name) := {"developer": {"repository": [{
	"id": "g",
	"actions": ["*"],
	"max_sensitivity": 4,
	"when": [name],
}]}}

allowed_when(name, request) if {
	count(guardrails.decision.allow) == 1 with input as request with data.access.roles as condition_grant(name)
}

test_condition_managed_device if {
	allowed_when("managed-device", examples.developer)
	not allowed_when("managed-device", changed(examples.developer, {"/device/managed": false}))
	not allowed_when("managed-device", changed(examples.developer, {"/device/managed": null}))
}

test_condition_mfa if {
	allowed_when("mfa", examples.developer)
	not allowed_when("mfa", changed(examples.developer, {
		"/subject/identity/acr": "urn:ostiary:acr:password",
		"/subject/identity/amr": ["pwd"],
	}))
	not allowed_when("mfa", changed(examples.developer, {"/subject/identity/assurance": "asserted"}))
}

test_condition_office_hours if {
	allowed_when("office-hours", examples.developer)
	not allowed_when("office-hours", changed(examples.developer, {"/time/local_hour": 6}))
	not allowed_when("office-hours", changed(examples.developer, {"/time/local_hour": 19}))
	not allowed_when("office-hours", changed(examples.developer, {"/time/weekday": 5}))
	not allowed_when("office-hours", changed(examples.developer, {"/time/local_hour": null}))
	not allowed_when("office-hours", changed(examples.developer, {"/time/weekday": null}))
}

test_condition_token if {
	allowed_when("token", examples.developer)
	not allowed_when("token", changed(examples.developer, {"/subject/identity/assurance": "asserted"}))
}

test_condition_trusted_network if {
	allowed_when("trusted-network", examples.developer)
	not allowed_when("trusted-network", changed(examples.developer, {"/network/trusted": false}))
}

test_a_misspelt_condition_never_holds if {
	not allowed_when("managed_device", examples.developer)
	unmet := guardrails.decision.unmet with input as examples.developer
		with data.access.roles as condition_grant("managed_device")
	unmet == {{"rule": "role-grant", "condition": "grant `g`: managed_device"}}
}

test_unmet_condition_in_words if {
	request := changed(examples.developer, {"/device/managed": false})
	unmet := guardrails.decision.unmet with input as request with data.access.roles as condition_grant("managed-device")
	unmet == {{"rule": "role-grant", "condition": "grant `g`: the device must be managed"}}
}

test_a_grant_with_a_malformed_condition_grants_nothing if {
	every condition in ["mfa", null, {"mfa": true}] {
		grant := {"id": "odd", "actions": ["*"], "max_sensitivity": 4, "when": condition}
		decision := guardrails.decision with input as examples.developer
			with data.access.roles.developer.repository as [grant]
		count(decision.allow) == 0
	}
}

test_a_grant_with_a_malformed_bound_grants_nothing if {
	every bound in ["4", null, [4], true] {
		grant := {"id": "odd", "actions": ["*"], "max_sensitivity": bound}
		decision := guardrails.decision with input as examples.developer
			with data.access.roles.developer.repository as [grant]
		count(decision.allow) == 0
	}
}

test_an_action_named_like_a_class_is_no_class if {
	request := changed(examples.developer, {
		"/resource/type": "document",
		"/action": {"name": "class:read", "class": "other", "properties": {}},
	})
	decision := guardrails.decision with input as request
	count(decision.allow) == 0
}

test_action_name_grants if {
	request := changed(examples.developer_at_night, {"/action": {"name": "query", "class": "other", "properties": {}}})
	decision := guardrails.decision with input as request
	rules(decision.allow) == {"role-grant"}
}

granted := {"id": "agr_1", "action": "drop", "resource": {"type": "database", "id": "orders"}, "until": 2000}

asks(grants) := changed(examples.developer, {
	"/resource/type": "database",
	"/resource/id": "orders",
	"/action": {"name": "drop", "class": "delete", "properties": {}},
	"/time/unix": 1999,
	"/grants": grants,
})

test_people_grant_for_a_time if {
	decision := guardrails.decision with input as asks([granted])
	{"rule": "access-grant", "grant": "agr_1"} in decision.allow
}

test_a_grant_is_for_nothing_else_and_for_no_other_time if {
	every other in [
		{"action": "read"},
		{"resource": {"type": "database", "id": "other"}},
		{"resource": {"type": "document", "id": "orders"}},
		{"until": 1999},
	] {
		decision := guardrails.decision with input as asks([object.union(granted, other)])
		not "access-grant" in rules(decision.allow)
	}
}
