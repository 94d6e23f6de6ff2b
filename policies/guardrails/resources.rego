# What the resource itself asks for.
package ostiary.guardrails

# METADATA
# title: unknown resource
# description: The resource is not in the catalogue, so nobody has said what protects it.
# custom:
#   id: unknown-resource
#   remediation: Have the resource entered into the catalogue.
deny contains {"rule": "unknown-resource"} if not input.resource.known == true

# METADATA
# title: too many rows
# description: One query may not ask for so many rows of data this sensitive.
# custom:
#   id: bulk-query
#   remediation: Ask for fewer rows, or ask the owner for an approved export.
deny contains {"rule": "bulk-query", "refused_from": bound} if {
	is_number(input.action.properties.rows)
	bound := data.protection.rows[data.ostiary.lib.key].refuse
	input.action.properties.rows >= bound
}

# What is no count at all is more than any bound: "10000000", true, -1.
deny contains {"rule": "bulk-query"} if {
	rows := object.get(input.action.properties, "rows", null)
	rows != null
	not is_count(rows)
}

is_count(rows) if {
	is_number(rows)
	rows >= 0
}

# METADATA
# title: rows are limited
# description: The query is answered with fewer rows than it asks for.
# custom:
#   id: row-limit
#   remediation: Ask for fewer rows at a time.
reduce contains {"rule": "row-limit", "privileges": [sprintf("rows<=%d", [limit])]} if {
	is_number(input.action.properties.rows)
	limit := data.protection.rows[data.ostiary.lib.key].limit
	input.action.properties.rows > limit
}

# METADATA
# title: production features are for verified pipelines
# description: Only jobs of verified CI on an approved commit reach production features.
# custom:
#   id: verified-ci-only
#   remediation: Run the job in CI from an approved commit, with the CI's own token.
deny contains {"rule": "verified-ci-only"} if {
	data.pipeline.production.types[input.resource.type]
	data.pipeline.production.label in input.resource.labels
	not verified_ci_job
}

verified_ci_job if {
	input.subject.type == "ci_job"
	input.subject.known == true
	input.subject.identity.assurance == "token"
	proven.issuer in data.pipeline.ci_issuers
	among(object.get(data.pipeline, "repositories", []))
	among(object.get(input.resource.attributes, "repositories", []))
	commit_approved
}

# Whose job it is, by ids that never pass to others; an empty list asks nothing, and one that names no id fits nobody.
among(repositories) if repositories == []

among(repositories) if {
	some repository in repositories
	has_immutable_id(repository)
	every name, value in repository {
		told(name) == value
	}
}

has_immutable_id(repository) if is_string(repository.repository_id)

has_immutable_id(repository) if is_string(repository.project_id)

told(name) := proven.issuer if name == "issuer"

told(name) := proven.claims[name] if name != "issuer"

# Who vouched for the job: of a token that Ostiary itself exchanged, the one whose token it was exchanged for.
proven := {"issuer": origin.iss, "claims": origin.claims} if {
	input.subject.identity.exchanged == true
	origin := input.subject.identity.claims.origin
} else := {"issuer": input.subject.identity.issuer, "claims": input.subject.identity.claims}

# The commit is what the CI's own token says, never what the enforcement point repeats in the context.
commit_approved if proven.claims.sha in data.pipeline.approved_commits

commit_approved if proven.claims.sha in input.resource.attributes.approved_commits

# A trusted signature was verified, or an administrator approved it (`ostiary commit`).
commit_approved if {
	input.subject.commit.approved == true
	input.subject.commit.sha == proven.claims.sha
}
