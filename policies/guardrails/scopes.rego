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
	at_door
	data.pipeline.scoped_doors[door]
	not scope_covers
}

# What the token says that it is for; of tokens that Ostiary itself issued alone.
scope := input.subject.identity.claims.authorization_details[0] if {
	input.subject.identity.exchanged == true
	count(input.subject.identity.claims.authorization_details) == 1
}

scope_covers if {
	scope.type == concat("_", ["ostiary", input.resource.type])
	scope.identifier == input.resource.id
	input.action.name in scope.actions
}
