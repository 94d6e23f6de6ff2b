# Requests at the edge: what proxies ask about (`action.properties.edge`), and doubts about their bodies. A body that is
# plainly an attack never comes here: the edge refuses it itself.
package ostiary.guardrails

edge_inspection := input.action.properties.inspection if {
	input.action.properties.edge
	not asks_language_model
}

# METADATA
# title: the body is doubtful
# description: Something in the body of the request may be an attack; the asker must prove itself again.
# custom:
#   id: edge-body-asks
#   remediation: Sign in again, or leave out what is doubtful.
step_up contains {
	"rule": "edge-body-asks",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	edge_inspection.verdict == "ask"
	data.ostiary.lib.is_person
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: the body is doubtful, and nobody can sign in again
# description: Something in the body may be an attack, and programs cannot sign in again; or nobody says what was found.
# custom:
#   id: edge-body-blocked
#   remediation: Leave out what is doubtful; if it is harmless, tell whoever runs the gateway.
deny contains {"rule": "edge-body-blocked"} if {
	edge_inspection.verdict == "ask"
	not data.ostiary.lib.is_person
}

# What no inspection says is not a verdict.
deny contains {"rule": "edge-body-blocked"} if {
	edge_inspection
	not edge_inspection.verdict in {"pass", "flag", "redact", "ask"}
}
