package ostiary.guardrails_test

import data.ostiary.guardrails

_talk(change) := object.union(
	{
		"tenant": "default",
		"pep": {"id": "ostiary:conversations"},
		"subject": {
			"type": "user", "id": "ada", "known": true, "groups": [], "attributes": {}, "properties": {},
			"identity": {
				"assurance": "token", "issuer": "https://idp.example", "exchanged": false, "proof": "none", "scopes": [],
				"acr": "urn:ostiary:acr:mfa", "amr": [], "auth_age_s": 60.0, "session_id": "s-1", "claims": {},
			},
		},
		"action": {"name": "conversation.read", "class": "read", "properties": {}},
		"resource": {
			"type": "conversation", "id": "conv_1", "known": true, "sensitivity": 2, "labels": [], "attributes": {},
			"critical": false, "properties": {"owner": "user:ada"},
		},
		"session": {}, "device": {}, "network": {}, "context": {},
	},
	change,
)

_talk_denied(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.deny | decision.terminate)
}

_talk_allowed(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.allow)
}

_talk_stepped_up(request) := {rule |
	decision := guardrails.decision with input as request
	some rule in rules(decision.step_up)
}

test_an_owner_does_with_a_conversation_what_it_likes if {
	every name in ["conversation.list", "conversation.read", "conversation.export", "conversation.delete"] {
		request := _talk({"action": {"name": name}})
		"conversation-owner" in _talk_allowed(request)
		_talk_denied(request) == set()
		_talk_stepped_up(request) == set()
	}
}

test_nobody_else_does if {
	every owner in ["user:eve", "user:ad", "user:ada2", "service:ada", "", null, 7, ["user:ada"]] {
		request := _talk({"resource": {"properties": {"owner": owner}}})
		_talk_denied(request) == {"conversation-not-owned"}
		_talk_allowed(request) == set()
	}
}

test_a_conversation_of_nobody_is_nobody_s if {
	request := json.remove(_talk({}), ["/resource/properties/owner"])
	_talk_denied(request) == {"conversation-not-owned"}
}

test_a_role_opens_nobody_else_s if {
	request := _talk({"subject": {"groups": ["auditors"]}, "resource": {"properties": {"owner": "user:eve"}}})
	"conversation-not-owned" in _talk_denied(request)
}

test_at_another_door_it_is_nobody_s if {
	every pep in ["ostiary:llm", "ostiary:token", "conversations", "pep-1"] {
		request := _talk({"pep": {"id": pep}})
		"conversation-not-owned" in _talk_denied(request)
		not "conversation-owner" in _talk_allowed(request)
	}
}

test_being_told_is_not_enough if {
	not "conversation-owner" in _talk_allowed(_talk({"subject": {"identity": {"assurance": "asserted"}}}))
}

test_own_words_leave_on_any_device_unless_they_are_confidential if {
	export := {"action": {"name": "conversation.export", "class": "export"}}
	_talk_denied(_talk(export)) == set()
	every level in [3, 4, "x"] {
		change := {"resource": {"properties": {"confidentiality": level}}}
		_talk_denied(_talk(object.union(export, change))) == {"unmanaged-device-no-export"}
		_talk_denied(_talk(object.union_n([export, change, {"device": {"managed": true}}]))) == set()
	}
}

test_other_actions_are_nobody_s if {
	not "conversation-owner" in _talk_allowed(_talk({"action": {"name": "conversation.administer"}}))
}

test_a_confidential_one_asks_for_a_recent_strong_sign_in if {
	old := _talk({"subject": {"identity": {"auth_age_s": 50000.0}}})
	_talk_stepped_up(old) == set()
	every level in [3, 4, 5, -1, "0", null] {
		change := {"resource": {"properties": {"confidentiality": level}}}
		"conversation-confidential" in _talk_stepped_up(object.union(old, _talk(object.union(change, {"subject": {"identity": {
			"auth_age_s": 50000.0,
		}}}))))
		_talk_stepped_up(_talk(change)) == set()
	}
	every level in [0, 1, 2] {
		change := {
			"resource": {"properties": {"confidentiality": level}},
			"subject": {"identity": {"auth_age_s": 50000.0}},
		}
		_talk_stepped_up(_talk(change)) == set()
	}
}
