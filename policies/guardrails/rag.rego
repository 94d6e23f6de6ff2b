# Searches of indexes. Which documents a search finds is said elsewhere: by each source for its own, and by
# filters/rag.rego for all of them. Here is only who may search at all.
package ostiary.guardrails

index_action if {
	input.resource.type == "index"
	startswith(input.action.name, "rag.")
}

# METADATA
# title: only at the door
# description: An index is searched at Ostiary's own doors, where the asker's rights become part of the query.
# custom:
#   id: index-door
#   remediation: Search at /rag of this server, or through its language gateway.
deny contains {"rule": "index-door"} if {
	input.resource.type == "index"
	index_action
	not at_door
}

# METADATA
# title: too many passages
# description: One search may not ask for so many passages.
# custom:
#   id: index-passages
#   remediation: Ask for fewer passages at a time.
deny contains {"rule": "index-passages", "refused_above": bound} if {
	input.resource.type == "index"
	index_action
	input.action.name == "rag.search"
	bound := data.gateway.rag.max_passages
	not passages_within(bound)
}

passages_within(bound) if {
	is_number(input.action.properties.passages)
	input.action.properties.passages >= 1
	input.action.properties.passages <= bound
}
