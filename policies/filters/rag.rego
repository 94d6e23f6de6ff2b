# METADATA
# title: Which documents a search may find
# description: >
#   What must hold of a document, beside the rights that its own source gives. It is never evaluated on a document: OPA
#   partially evaluates it for one asker, and what is left over becomes part of the query. So `input.document` may only
#   be compared with known values (`==`, `!=`, `<`, `<=`, `>`, `>=`, `in` a known list, `not` of one comparison); anything
#   else refuses every search. Fields: confidentiality, document, integrity, kind, source, verdict.
package ostiary.filters.rag

include if {
	is_number(clearance)
	input.document.confidentiality <= clearance
	not input.document.verdict in withheld
}

# The highest of the clearances of the asker's groups; what is said of the subject itself stands before groups.
clearance := input.subject.attributes.clearance if {
	is_number(input.subject.attributes.clearance)
} else := max({level | some level in clearances})

clearances contains data.gateway.rag.clearance.known if input.subject.known == true

clearances contains data.gateway.rag.clearance.anybody

clearances contains level if {
	some group in input.subject.groups
	level := data.gateway.rag.clearance.groups[group]
}

# What the inspector of the data channel said of a document when it was read.
withheld := data.gateway.rag.withheld
