# MCP servers at their proxy: who may use which, and what a server may ask of its client. Calls of tools are judged by
# tools.rego, too. The proxy tells what the subject has read (`labels`) and what inspection said of it (`inspection`).
package ostiary.guardrails

mcp_asked if input.resource.type in {"mcp_prompt", "mcp_resource", "mcp_server"}

mcp_asked if mcp_at_door

mcp_labels := object.get(input.action.properties, "labels", {})

mcp_inspection := object.get(input.action.properties, "inspection", {})

# What only opens a connection and looks at what there is; nothing of a session goes to the server by it.
mcp_looks_only if input.action.name in {"mcp.connect", "mcp.list"}

# What a server may ask of its client, by its name; what nobody wrote down is not offered.
mcp_offered := object.get(object.get(data.gateway.mcp, "servers", {}), input.resource.id, {})

mcp_wish := {"mcp.sample": "sampling", "mcp.elicit": "elicitation", "mcp.roots": "roots"}[input.action.name]

# METADATA
# title: only at the proxy
# description: An MCP server is used through Ostiary's proxy, which looks at what passes.
# custom:
#   id: mcp-door
#   remediation: Point the client at /mcp of this server, or run the server with `ostiary mcp wrap`.
deny contains {"rule": "mcp-door"} if {
	input.resource.type in {"mcp_prompt", "mcp_resource", "mcp_server"}
	not mcp_at_door
}

mcp_at_door if input.pep.id == "ostiary:mcp"

# METADATA
# title: the server may not ask this
# description: The server asks for the client's model, its user or its folders, and nobody has switched that on for it.
# custom:
#   id: mcp-not-offered
#   remediation: Switch it on for this server in policies/gateway/data.yaml, if it needs it.
deny contains {"rule": "mcp-not-offered", "wish": mcp_wish} if {
	input.action.name in {"mcp.elicit", "mcp.roots", "mcp.sample"}
	mcp_asked
	mcp_wish
	not mcp_granted
}

# A rule of its own, here and below: in `not f(rule)` OPA looks the rule up first, and what is not there ends it all.
mcp_granted if mcp_offered[mcp_wish] in {"allow", "ask"}

# METADATA
# title: the server asks the person
# description: The server wants to hear something from whoever sits there; that person approves it first.
# custom:
#   id: mcp-asks-person
#   remediation: Approve it, if you trust this server with an answer.
step_up contains tool_approval("mcp-asks-person") if {
	input.action.name in {"mcp.elicit", "mcp.roots", "mcp.sample"}
	mcp_asked
	mcp_wish
	mcp_offered[mcp_wish] == "ask"
	not tool_approved
}

# METADATA
# title: no sampling beside confidential data
# description: The session holds confidential data, and the client's model would answer the server out of it.
# custom:
#   id: mcp-sampling-confidential
#   remediation: Use the server in a session without the confidential data.
deny contains {"rule": "mcp-sampling-confidential"} if {
	mcp_asked
	input.action.name == "mcp.sample"
	mcp_confidential
}

# To Rego every text is more than any number, and what is not told counts as the worst.
mcp_confidential if not mcp_not_confidential

mcp_not_confidential if {
	is_number(mcp_labels.confidentiality)
	mcp_labels.confidentiality < data.gateway.mcp.confidential_from
}

# METADATA
# title: content that nobody can look into, beside confidential data
# description: Images, sound or files that cannot be inspected are in a session with confidential data.
# custom:
#   id: mcp-uninspected
#   remediation: Use the server in a session without one of the two.
deny contains {"rule": "mcp-uninspected"} if {
	mcp_asked
	not mcp_looks_only
	mcp_confidential
	not mcp_all_inspected
}

mcp_all_inspected if mcp_labels.uninspected == false

# METADATA
# title: another tenant's content
# description: Something in the session belongs to another tenant, so nothing may come of it.
# custom:
#   id: mcp-foreign-data
#   remediation: Begin anew without the other tenant's content.
deny contains {"rule": "mcp-foreign-data"} if {
	mcp_asked
	not mcp_all_own
}

mcp_all_own if mcp_labels.foreign == false

# METADATA
# title: nobody could look at what was read
# description: A detector was not available, and the tool, the server or the session is sensitive.
# custom:
#   id: mcp-detector-away
#   remediation: Approve it, or wait until the detector is back.
step_up contains tool_approval("mcp-detector-away") if {
	mcp_blind
	data.ostiary.lib.is_person
	not tool_approved
}

# Programs have nobody who could approve.
deny contains {"rule": "mcp-detector-away"} if {
	mcp_blind
	not data.ostiary.lib.is_person
}

mcp_blind if {
	mcp_asked
	not mcp_looks_only
	not mcp_seeing
	mcp_sensitive
}

mcp_seeing if mcp_inspection.available == true

mcp_sensitive if data.ostiary.lib.sensitivity >= data.gateway.mcp.sensitive_from

mcp_sensitive if mcp_confidential

mcp_sensitive if {
	input.resource.type == "tool"
	calls_tool
	tool_sensitive
}
