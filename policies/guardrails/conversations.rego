# Conversations at their door: for their owners, and for nobody else, whatever a role grants.
package ostiary.guardrails

at_conversations if {
	at_door
	door == "conversations"
	input.resource.type == "conversation"
}

conversation_actions := {"conversation.list", "conversation.read", "conversation.export", "conversation.delete"}

# The door says whose a conversation is only where it is the caller's; of all others it says nothing.
owns_conversation if {
	data.gateway.conversations.owners[input.subject.type]
	input.resource.properties.owner == concat(":", [input.subject.type, input.subject.id])
}

# METADATA
# title: one's own conversation
# description: Whoever began a conversation lists, reads, exports and deletes it.
# custom:
#   id: conversation-owner
#   remediation: Nothing to be done.
allow contains {"rule": "conversation-owner"} if {
	input.resource.type == "conversation"
	at_conversations
	input.action.name in conversation_actions
	input.subject.identity.assurance == "token"
	owns_conversation
}

# METADATA
# title: somebody else's conversation
# description: There is no such conversation of the caller.
# custom:
#   id: conversation-not-owned
#   remediation: Ask for one of your own conversations.
deny contains {"rule": "conversation-not-owned"} if {
	input.resource.type == "conversation"
	not owns_at_door
}

owns_at_door if {
	input.resource.type == "conversation"
	at_conversations
	owns_conversation
}

# METADATA
# title: a confidential conversation
# description: What stands in the conversation asks for a recent and strong sign-in.
# custom:
#   id: conversation-confidential
#   remediation: Sign in again.
step_up contains {
	"rule": "conversation-confidential",
	"acr_values": data.authentication.acr_values[sprintf("%d", [wanted.level])],
	"max_age": wanted.max_age_s,
} if {
	input.resource.type == "conversation"
	at_conversations
	data.ostiary.lib.is_person
	input.action.name in {"conversation.read", "conversation.export"}
	wanted := data.gateway.conversations.confidential
	conversation_level >= wanted.from
	not data.ostiary.lib.proven(wanted.level, wanted.max_age_s)
}

# A person's right to its own words (GDPR article 15) does not hang on the device, unless they are confidential. All of
# one's conversations at once are as confidential as the most confidential of them.
own_words if {
	owns_at_door
	conversation_level < data.gateway.conversations.confidential.from
}

# Anything odd counts as the highest, and so does a label that could not be read.
conversation_level := level if {
	level := [0, 1, 2, 3, 4][input.resource.properties.confidentiality]
} else := 0 if {
	not "confidentiality" in object.keys(input.resource.properties)
} else := 4
