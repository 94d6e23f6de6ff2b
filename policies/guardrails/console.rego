# The console: pages and deeds of Ostiary itself, for the people who were entered, by the roles that they have now.
package ostiary.guardrails

on_console if input.resource.type == "console"

at_console if {
	input.resource.type == "console"
	on_console
	at_door
	door == "console"
	input.subject.identity.assurance == "token"
}

# What the door says of a person is what it looked up this moment; a token of another issuer has no such claim.
console_person := input.subject.identity.claims.console if at_console

# METADATA
# title: a role in the console
# description: A role of the person opens this part of the console.
# custom:
#   id: console-role
#   remediation: Ask an owner of the console for a role that opens it.
allow contains {"rule": "console-role", "role": role} if {
	input.resource.type == "console"
	some role in console_person.roles
	some area in data.console.roles[role][console_word]
	area in {"*", input.resource.id}
}

console_word := substring(input.action.name, count("console."), -1) if startswith(input.action.name, "console.")

# METADATA
# title: only at the console
# description: The console is reached by signing in to it, and by no other way.
# custom:
#   id: console-door
#   remediation: Sign in at the console of this server.
deny contains {"rule": "console-door"} if {
	input.resource.type == "console"
	on_console
	not at_console
}

# METADATA
# title: for those who look after the deployment
# description: This concerns every tenant, so it is for people who look after the whole deployment.
# custom:
#   id: console-deployment
#   remediation: Ask somebody who looks after the deployment.
deny contains {"rule": "console-deployment"} if {
	input.resource.type == "console"
	on_console
	input.resource.id == "deployment"
	not console_person.deployment == true
}

# METADATA
# title: confirm that it is you
# description: This changes something, or takes something away, so it needs a sign-in or a confirmation of the last minutes.
# custom:
#   id: console-confirm
#   remediation: Confirm with your passkey.
step_up contains {
	"rule": "console-confirm",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.resource.type == "console"
	at_console
	data.console.confirmed[console_word]
	not data.console.unconfirmed_areas[input.resource.id]
	not data.ostiary.lib.freshly_proven
}
