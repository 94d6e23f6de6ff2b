# Asking language models: who may ask which, with what in the session, and what a doubtful prompt costs.
#
# The gateway tells labels (where texts come from) and the verdict of its inspection, as values: `action.properties.labels`
# and `.inspection`. What is not told counts as the worst.
package ostiary.guardrails

asks_language_model if {
	input.resource.type == "language_model"
	input.action.name in {"llm.chat", "llm.embed"}
}

llm_labels := object.get(input.action.properties, "labels", {})

llm_inspection := object.get(input.action.properties, "inspection", {})

# METADATA
# title: no such model
# description: The model does not exist, or no role of the subject lets it ask.
# custom:
#   id: llm-no-model
#   remediation: Ask for a model that `/v1/models` lists, or for a role that grants it.
deny contains {"rule": "llm-no-model"} if {
	input.resource.type == "language_model"
	asks_language_model
	not llm_granted
}

llm_granted if {
	input.resource.known == true
	count(allow) > 0
}

# METADATA
# title: another tenant's content
# description: Something in the session belongs to another tenant, so nothing may come of it.
# custom:
#   id: llm-foreign-data
#   remediation: Begin anew without the other tenant's content, and tell whoever runs the application.
deny contains {"rule": "llm-foreign-data"} if {
	input.resource.type == "language_model"
	asks_language_model
	not llm_own
}

llm_own if llm_labels.foreign == false

# METADATA
# title: content that nobody can look into, beside confidential data
# description: Images, sound and files cannot be inspected, and the session holds confidential data.
# custom:
#   id: llm-uninspected
#   remediation: Send the text instead, or leave out the confidential documents.
deny contains {"rule": "llm-uninspected"} if {
	input.resource.type == "language_model"
	asks_language_model
	not llm_labels.uninspected == false
	not llm_harmless
}

# What is no number is confidential; a rule of its own, for OPA looks a number up before it comes to the `not`.
llm_harmless if llm_confidentiality < data.gateway.llm.confidential_from

# To Rego every text is more than any number.
llm_confidentiality := llm_labels.confidentiality if is_number(llm_labels.confidentiality)

# METADATA
# title: more confidential than the asker may read
# description: The session holds documents that the asker's clearance does not reach.
# custom:
#   id: llm-clearance
#   remediation: Leave out the documents, or ask for the clearance.
deny contains {"rule": "llm-clearance"} if {
	input.resource.type == "language_model"
	asks_language_model
	not llm_cleared
}

llm_cleared if llm_confidentiality <= max(llm_clearances)

# By group, and by claims of a verified token: what an issuer says of a person becomes what he may put into a prompt.
llm_clearances contains data.gateway.llm.clearance["default"]

llm_clearances contains level if {
	some group in input.subject.groups
	level := data.gateway.llm.clearance.groups[group]
}

llm_clearances contains level if {
	input.subject.identity.assurance == "token"
	some claim, levels in data.gateway.llm.clearance.claims
	level := levels[llm_claim(claim)[_]]
}

llm_claim(name) := [told] if {
	told := proven.claims[name]
	is_string(told)
} else := told if {
	told := proven.claims[name]
	is_array(told)
} else := []

# METADATA
# title: the model is not for data so confidential
# description: This model's server is not trusted with content of this confidentiality.
# custom:
#   id: llm-model-bound
#   remediation: Ask a model that is approved for confidential data.
deny contains {"rule": "llm-model-bound"} if {
	input.resource.type == "language_model"
	asks_language_model
	input.resource.attributes.max_confidentiality
	not llm_within_bound
}

llm_within_bound if llm_confidentiality <= input.resource.attributes.max_confidentiality

# METADATA
# title: the prompt looks like an attack
# description: The prompt, or a document in it, tries to take the instructions over.
# custom:
#   id: llm-prompt-blocked
#   remediation: Leave out what tries to give the model orders; if it is harmless, tell whoever runs the gateway.
deny contains {"rule": "llm-prompt-blocked", "by": llm_rules} if {
	input.resource.type == "language_model"
	asks_language_model
	llm_inspection.verdict == "block"
}

llm_rules := concat(", ", [rule | some rule in llm_inspection.rules; is_string(rule)])

# METADATA
# title: the prompt is doubtful
# description: Something in the prompt may be an attack; the asker must prove itself again.
# custom:
#   id: llm-prompt-asks
#   remediation: Sign in again, or leave out what is doubtful.
step_up contains {
	"rule": "llm-prompt-asks",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.resource.type == "language_model"
	asks_language_model
	llm_inspection.verdict == "ask"
	data.ostiary.lib.is_person
	not data.ostiary.lib.freshly_proven
}

# Programs cannot sign in again.
deny contains {"rule": "llm-prompt-blocked", "by": llm_rules} if {
	input.resource.type == "language_model"
	asks_language_model
	llm_inspection.verdict == "ask"
	not data.ostiary.lib.is_person
}

# What no inspection says is not a verdict.
deny contains {"rule": "llm-prompt-blocked", "by": "no verdict"} if {
	input.resource.type == "language_model"
	asks_language_model
	not llm_verdict_told
}

llm_verdict_told if llm_inspection.verdict in {"pass", "flag", "redact", "ask", "block"}

# METADATA
# title: nobody could look at the prompt
# description: The detector was not available, and the model or the session is sensitive.
# custom:
#   id: llm-detector-away
#   remediation: Sign in again, or wait until the detector is back.
step_up contains {
	"rule": "llm-detector-away",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.resource.type == "language_model"
	llm_blind
	data.ostiary.lib.is_person
	not data.ostiary.lib.freshly_proven
}

deny contains {"rule": "llm-detector-away"} if {
	input.resource.type == "language_model"
	llm_blind
	not data.ostiary.lib.is_person
}

llm_blind if {
	input.resource.type == "language_model"
	asks_language_model
	not llm_inspection.available == true
	llm_sensitive
}

llm_sensitive if data.ostiary.lib.sensitivity >= data.gateway.llm.sensitive_from

llm_sensitive if not llm_harmless

# METADATA
# title: no tools beside what is not trusted
# description: By the model's own attribute, its answers may call no tools in a session that holds untrusted content.
# custom:
#   id: llm-no-tools
#   remediation: Ask without tools, or without the untrusted content.
obligations contains {"id": "llm-no-tools", "type": "llm_limits", "properties": {"tools": false}} if {
	input.resource.type == "language_model"
	asks_language_model
	input.resource.attributes.tools_beside_untrusted == false
	not llm_labels.untrusted == false
}

obligations contains {"id": "llm-max-tokens", "type": "llm_limits", "properties": {"max_tokens": most}} if {
	input.resource.type == "language_model"
	asks_language_model
	most := input.resource.attributes.max_tokens
}
