package ostiary.filters.rag_test

import data.ostiary.filters.rag

asker := {"subject": {"known": true, "groups": ["board"], "attributes": {}}}

finds(about, level, verdict) if {
	rag.include with input as object.union(about, {"document": {"confidentiality": level, "verdict": verdict}})
		with data.gateway.rag as {"clearance": {"anybody": 0, "known": 2, "groups": {"board": 3}}, "withheld": ["block"]}
}

test_the_highest_clearance_counts if {
	finds(asker, 3, "pass")
	not finds(asker, 4, "pass")
}

test_whoever_is_unknown_finds_what_is_public if {
	stranger := {"subject": {"known": false, "groups": [], "attributes": {}}}
	finds(stranger, 0, "pass")
	not finds(stranger, 1, "pass")
}

test_what_is_said_of_the_subject_stands_before_its_groups if {
	lower := {"subject": {"known": true, "groups": ["board"], "attributes": {"clearance": 1}}}
	finds(lower, 1, "pass")
	not finds(lower, 2, "pass")
}

test_a_clearance_that_is_no_number_is_none if {
	odd := {"subject": {"known": false, "groups": [], "attributes": {"clearance": "4"}}}
	not finds(odd, 1, "pass")
}

test_withheld_documents_are_not_found if {
	not finds(asker, 0, "block")
	finds(asker, 0, "flag")
	finds(asker, 0, "uninspected")
}
