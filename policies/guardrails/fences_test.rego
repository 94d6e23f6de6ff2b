package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

test_terminated_session if {
	request := changed(examples.developer, {"/session/state": "terminated"})
	decision := guardrails.decision with input as request
	decision.terminate == {{"rule": "session-terminated"}}
}

test_suspended_subject if {
	request := changed(examples.developer, {"/subject/attributes/status": "suspended"})
	decision := guardrails.decision with input as request
	decision.terminate == {{"rule": "subject-suspended"}}
}

test_agent_fence if {
	every class in ["admin", "delete", "export"] {
		request := changed(examples.developer, {"/subject/type": "agent", "/action/class": class})
		decision := guardrails.decision with input as request
		"agent-fence" in rules(decision.deny)
	}
}

test_agents_may_read if {
	request := changed(examples.developer, {"/subject/type": "agent", "/resource/type": "document"})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_tenant_admin_may if {
	decision := guardrails.decision with input as examples.admin
	rules(decision.allow) == {"role-grant"}
	count(decision.deny | decision.step_up) == 0
}

test_tenant_admin_only if {
	request := changed(examples.admin, {"/subject/groups": ["operators"]})
	decision := guardrails.decision with input as request
	"tenant-admin-only" in rules(decision.deny)
}

test_tenant_admin_signs_in_anew if {
	request := changed(examples.admin, {"/subject/identity/auth_age_s": 601})
	decision := guardrails.decision with input as request
	some hit in decision.step_up
	hit == {
		"rule": "tenant-admin-sign-in",
		"acr_values": ["urn:ostiary:acr:phishing-resistant"],
		"max_age": 600,
	}
}

test_tenant_admin_may_read_without if {
	request := changed(examples.admin, {
		"/action": {"name": "policy.read", "class": "read", "properties": {}},
		"/subject/identity/auth_age_s": 800,
	})
	decision := guardrails.decision with input as request
	count(decision.step_up) == 0
}

test_embargoed_country if {
	request := changed(examples.developer, {"/network/country": "KP"})
	decision := guardrails.decision with input as request
	decision.deny == {{"rule": "embargoed-country"}}
}

test_unknown_country_is_no_embargo if {
	request := changed(examples.developer, {"/network/country": null})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_off_network_admin if {
	every trusted in [false, null] {
		request := changed(examples.admin, {"/network/trusted": trusted})
		decision := guardrails.decision with input as request
		decision.deny == {{"rule": "off-network-admin"}}
	}
}

test_unmanaged_device_no_export if {
	every managed in [false, null] {
		request := changed(examples.developer, {"/action/class": "export", "/device/managed": managed})
		decision := guardrails.decision with input as request
		decision.deny == {{"rule": "unmanaged-device-no-export"}}
	}
}

test_public_data_is_exported_anywhere if {
	request := changed(examples.developer, {
		"/action/class": "export",
		"/device/managed": false,
		"/resource/sensitivity": 0,
	})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_internal_only if {
	request := changed(examples.developer, {
		"/resource/labels": ["internal-only"],
		"/device/managed": false,
		"/network/trusted": false,
	})
	decision := guardrails.decision with input as request
	decision.deny == {{"rule": "internal-only"}}
}

test_internal_from_managed_device if {
	request := changed(examples.developer, {"/resource/labels": ["internal-only"], "/network/trusted": false})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_unknown_resource if {
	every known in [false, null] {
		request := changed(examples.developer, {"/resource/known": known})
		decision := guardrails.decision with input as request
		decision.deny == {{"rule": "unknown-resource"}}
	}
}

test_bulk_query if {
	request := changed(examples.developer_at_night, {"/action/properties": {"rows": 1000000}})
	decision := guardrails.decision with input as request
	decision.deny == {{"rule": "bulk-query", "refused_from": 1000000}}
}

test_row_limit if {
	request := changed(examples.developer_at_night, {"/action/properties": {"rows": 20000}})
	decision := guardrails.decision with input as request
	decision.reduce == {{"rule": "row-limit", "privileges": ["rows<=10000"]}}
	count(decision.deny) == 0
}

test_few_rows if {
	request := changed(examples.developer_at_night, {"/action/properties": {"rows": 10000}})
	decision := guardrails.decision with input as request
	count(decision.reduce) == 0
}

test_verified_ci_reaches_production_features if {
	decision := guardrails.decision with input as examples.ci_job
	rules(decision.allow) == {"role-grant"}
	count(decision.deny) == 0
}

test_commit_approved_for_all if {
	request := changed(examples.ci_job, {"/resource/attributes": {}})
	decision := guardrails.decision with input as request with data.pipeline.approved_commits as ["4f1c2d"]
	count(decision.deny) == 0
}

test_verified_ci_only if {
	every change in {
		"a person": {"/subject/type": "user"},
		"another issuer": {"/subject/identity/issuer": "https://ci.example"},
		"merely named": {"/subject/identity/assurance": "asserted"},
		"another commit": {"/subject/identity/claims": {"sha": "ffffff"}},
		"no commit": {"/subject/identity/claims": {}},
		"a commit that only the enforcement point names": {"/subject/identity/claims": {}, "/context": {"commit": "4f1c2d"}},
		"nothing approved": {"/resource/attributes": {}},
	} {
		request := changed(examples.ci_job, change)
		decision := guardrails.decision with input as request
		"verified-ci-only" in rules(decision.deny)
	}
}

test_other_feature_sets_are_open if {
	request := changed(examples.ci_job, {"/resource/labels": [], "/context": {}})
	decision := guardrails.decision with input as request
	count(decision.deny) == 0
}

test_critical_ceiling if {
	guardrails.decision.ceiling == "STEP_UP" with input as changed(examples.developer, {"/resource/critical": true})
	guardrails.decision.ceiling == "TERMINATE" with input as examples.developer
}

test_rows_that_are_no_count if {
	every rows in ["10", true, [1], -1] {
		request := changed(examples.developer_at_night, {"/action/properties": {"rows": rows}})
		decision := guardrails.decision with input as request
		decision.deny == {{"rule": "bulk-query"}}
	}
}

test_a_stranger_with_a_good_token_is_no_verified_job if {
	request := changed(examples.ci_job, {"/subject/known": false})
	decision := guardrails.decision with input as request
	"verified-ci-only" in rules(decision.deny)
	count(decision.allow) == 0
}
