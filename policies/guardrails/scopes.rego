# The doors of the pipeline: Ostiary itself is the enforcement point there, and a token names the one thing it is for.
package ostiary.guardrails

# No other enforcement point can bear such a name: ids that are registered hold no colon.
at_door if startswith(input.pep.id, "ostiary:")

door := substring(input.pep.id, count("ostiary:"), -1) if at_door

# METADATA
# title: the token is not for this
# description: This needs a token that was issued for this very resource and action.
# custom:
#   id: token-scope
#   remediation: Exchange your identity for a token that names this resource, the action and the purpose.
deny contains {"rule": "token-scope"} if {
	scope_needed
	not scope_covers
}

scope_needed if {
	at_door
	data.pipeline.scoped_doors[door]
}

# Wherever it is shown: a token for one thing is no identity for others, at whatever enforcement point.
scope_needed if input.subject.identity.exchanged == true

# What the token says that it is for; of tokens that Ostiary itself issued alone.
scope := input.subject.identity.claims.authorization_details[0] if {
	input.subject.identity.exchanged == true
	count(input.subject.identity.claims.authorization_details) == 1
}

scope_covers if {
	scope.type == concat("_", ["ostiary", input.resource.type])
	scope.identifier == input.resource.id
	input.action.name in scope.actions
	not scope_contradicted
}

# Who says nothing of its purpose, its columns or its path says what the token says; the doors hold it to all of it.
scope_contradicted if {
	some name in {"commit", "purpose", "stage"}
	told := object.get(input.action.properties, name, "")
	told != ""
	told != object.get(scope, name, "")
}

scope_contradicted if {
	prefix := trim_right(object.get(scope, "prefix", ""), "/")
	prefix != ""
	path := object.get(input.action.properties, "path", "")
	path != ""
	not below(path, prefix)
}

# What is no list is no column that a token names.
scope_contradicted if {
	not "*" in object.get(scope, "datatypes", [])
	not is_array(object.get(input.action.properties, "columns", []))
}

scope_contradicted if {
	columns := object.get(scope, "datatypes", [])
	not "*" in columns
	some column in object.get(input.action.properties, "columns", [])
	not column in columns
}

# A prefix ends where a name ends, and no path climbs.
below(path, prefix) if {
	is_string(path)
	not climbs(path)
	startswith(concat("", [path, "/"]), concat("", [prefix, "/"]))
}

climbs(path) if {
	some name in split(replace(path, "\\", "/"), "/")
	name in {".", ".."}
}
