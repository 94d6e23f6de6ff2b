# Asking models: what an endpoint of high value demands of the asker, and what becomes of those who map a model.
package ostiary.guardrails

asks_model if {
	input.resource.type == "endpoint"
	input.action.name == "endpoint.predict"
}

# A language model as any other.
asked_of_a_model if asks_model

asked_of_a_model if asks_language_model

high_value if {
	asked_of_a_model
	data.pipeline.inference.high_value.label in input.resource.labels
}

# METADATA
# title: high-value models are for people who signed in
# description: This model answers people who proved who they are by a token of their own; a service or a key is not enough.
# custom:
#   id: high-value-user-required
#   remediation: Sign in, and send your own token or one that yours was exchanged for.
deny contains {"rule": "high-value-user-required"} if {
	input.resource.type in {"endpoint", "language_model"}
	high_value
	not proven_person
}

proven_person if {
	data.ostiary.lib.is_person
	input.subject.identity.assurance == "token"
}

# METADATA
# title: a high-value model asks for a strong, recent sign-in
# description: This model answers only people who signed in with several factors, not too long ago.
# custom:
#   id: high-value-sign-in
#   remediation: Sign in again with the method asked for.
step_up contains {
	"rule": "high-value-sign-in",
	"acr_values": data.authentication.acr_values[sprintf("%d", [needed.level])],
	"max_age": needed.max_age_s,
} if {
	input.resource.type in {"endpoint", "language_model"}
	high_value
	proven_person
	needed := data.pipeline.inference.high_value.sign_in
	not data.ostiary.lib.proven(needed.level, needed.max_age_s)
}

# METADATA
# title: high-value models need a live session
# description: This model answers only within a session that lives; the token names none, or it is over.
# custom:
#   id: high-value-session-required
#   remediation: Sign in anew, with an issuer that tells the session in its tokens (`sid`).
deny contains {"rule": "high-value-session-required"} if {
	input.resource.type in {"endpoint", "language_model"}
	high_value
	not session_lives
}

# One that the issuer vouches for and that nobody ended: what the enforcement point says of a session is nobody's. A
# session that is used for the first time is not known yet; one that was revoked is.
session_lives if {
	input.session.state in {"active", "step_up", "unknown"}
	is_string(input.subject.identity.session_id)
	input.subject.identity.session_id != ""
	input.subject.identity.session_id == input.session.id
	not session_of_nobody
}

# A token of our own has a session of its own; it counts as long as it rests on one in which somebody signed in.
session_of_nobody if {
	input.subject.identity.exchanged == true
	object.get(input.subject.identity.claims.origin, "sid", "") == ""
}

# METADATA
# title: high-value models need an attested device
# description: This model answers only devices whose TPM has lately vouched for them.
# custom:
#   id: high-value-attestation-required
#   remediation: Run `ostiary device attest` on the device.
deny contains {"rule": "high-value-attestation-required"} if {
	input.resource.type in {"endpoint", "language_model"}
	high_value
	not input.device.trust == "attested"
}

# METADATA
# title: high-value models are asked with the device's own key
# description: Naming an attested device is not enough, for anybody can; the request must be signed by its key.
# custom:
#   id: high-value-device-bound
#   remediation: Use a token that is bound to the device's key (DPoP with the key that the device enrolled).
deny contains {"rule": "high-value-device-bound"} if {
	input.resource.type in {"endpoint", "language_model"}
	high_value
	not input.device.bound == true
}

# METADATA
# title: the model is being mapped
# description: Too many questions lie close to each other, on both sides of the model's boundary, or outside what is usual.
# custom:
#   id: model-probing
#   remediation: Wait until the window has passed; for research, ask the model's owner for an endpoint of your own.
deny contains {"rule": "model-probing", "by": kind} if {
	input.resource.type == "endpoint"
	asks_model
	some kind in probing("deny")
}

# METADATA
# title: these questions look like probing
# description: Many questions lie close to each other or outside what is usual, so the asker must prove itself again.
# custom:
#   id: model-probing-step-up
#   remediation: Sign in again.
step_up contains {
	"rule": "model-probing-step-up",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.resource.type == "endpoint"
	asks_model
	some _ in probing("suspect")
	data.ostiary.lib.is_person
	not data.ostiary.lib.freshly_proven
}

# Programs cannot sign in again: they, and people who did, are answered by labels alone.
obligations contains {"id": "coarse-output", "type": "coarse_output", "properties": {"level": "label"}} if {
	input.resource.type == "endpoint"
	asks_model
	some _ in probing("suspect")
}

obligations contains {"id": "coarse-output-of-sensitivity", "type": "coarse_output", "properties": wanted} if {
	input.resource.type == "endpoint"
	asks_model
	wanted := data.pipeline.inference.coarse[data.ostiary.lib.key]
}

obligations contains {"id": "coarse-output-of-endpoint", "type": "coarse_output", "properties": {"level": level}} if {
	input.resource.type == "endpoint"
	asks_model
	level := input.resource.attributes.coarse_output
}

# The kinds of questions of which there are too many: by count, and by their share of all. What nobody could watch, or
# what is no number, is too many of every kind.
probing(tier) := {kind |
	some limit in data.pipeline.inference.probing[tier]
	kind := limit.kind
	over(limit)
}

over(limit) if {
	counted(limit.kind)
	input.action.properties[limit.kind] >= limit.from
	input.action.properties[limit.kind] >= limit.share * input.action.properties.queries
}

over(limit) if not counted(limit.kind)

counted(kind) if {
	input.action.properties.watched == true
	is_count(input.action.properties[kind])
	is_count(input.action.properties.queries)
}
