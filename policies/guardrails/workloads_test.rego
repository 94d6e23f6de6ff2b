package ostiary.guardrails_test

import data.examples
import data.ostiary.guardrails

ours := {"issuer": "https://token.actions.githubusercontent.com", "repository_owner_id": "9919", "repository_id": "42"}

github_claims := {
	"sha": "4f1c2d",
	"repository": "acme/models",
	"repository_id": "42",
	"repository_owner_id": "9919",
	"ref_protected": "true",
	"workload": {"authority": "github", "kind": "github", "rule": "train"},
}

github_job := changed(examples.ci_job, {"/subject/identity/claims": github_claims})

gitlab_job := changed(examples.ci_job, {
	"/subject/identity/issuer": "https://gitlab.com",
	"/subject/identity/claims": {"sha": "4f1c2d", "project_id": "28", "namespace_id": "7"},
})

test_a_named_repository_reaches_production_features if {
	every pair in {
		"GitHub": [github_job, [ours]],
		"GitLab": [gitlab_job, [{"issuer": "https://gitlab.com", "project_id": "28", "namespace_id": "7"}]],
		"one of two": [github_job, [{"issuer": "https://gitlab.com", "project_id": "28"}, ours]],
		"on a protected ref": [github_job, [object.union(ours, {"ref_protected": "true"})]],
	} {
		decision := guardrails.decision with input as pair[0] with data.pipeline.repositories as pair[1]
		count(decision.deny) == 0
	}
}

test_other_repositories_do_not if {
	every change in {
		"re-created under the same name": {"/subject/identity/claims/repository_id": "43"},
		"the owner's name taken over": {"/subject/identity/claims/repository_owner_id": "666"},
		"the id as a number": {"/subject/identity/claims/repository_id": 42},
		"the same ids of another issuer": {"/subject/identity/issuer": "https://gitlab.com"},
		"no ids": {"/subject/identity/claims": {"sha": "4f1c2d"}},
	} {
		request := changed(github_job, change)
		decision := guardrails.decision with input as request with data.pipeline.repositories as [ours]
		"verified-ci-only" in rules(decision.deny)
	}
}

test_a_table_without_an_immutable_id_fits_nobody if {
	every repositories in {
		"a name": [{"repository": "acme/models"}],
		"an issuer": [{"issuer": "https://token.actions.githubusercontent.com"}],
		"nothing": [{}],
		"the id as a number": [object.union(ours, {"repository_id": 42})],
		"a claim that the token does not have": [object.union(ours, {"environment": "production"})],
		"no list": ours,
		"null": null,
		"text": "",
	} {
		decision := guardrails.decision with input as github_job with data.pipeline.repositories as repositories
		"verified-ci-only" in rules(decision.deny)
	}
}

test_a_resource_can_name_its_repositories_itself if {
	named := changed(github_job, {"/resource/attributes/repositories": [ours]})
	decision := guardrails.decision with input as named
	count(decision.deny) == 0
	other := changed(gitlab_job, {"/resource/attributes/repositories": [ours]})
	refused := guardrails.decision with input as other
	"verified-ci-only" in rules(refused.deny)
}

test_services_by_their_svid_have_the_role_of_services if {
	request := changed(examples.ci_job, {
		"/subject/type": "workload",
		"/resource/type": "document",
		"/resource/labels": [],
		"/resource/sensitivity": 2,
		"/action": {"name": "read", "class": "read", "properties": {}},
	})
	decision := guardrails.decision with input as request
	rules(decision.allow) == {"role-grant"}
	count(decision.deny) == 0
}
