# Who the subject is, and whether its session still lives.
package ostiary.guardrails

# METADATA
# title: the session was ended
# description: This session was ended and cannot be used again.
# custom:
#   id: session-terminated
#   remediation: Sign in again to start a new session.
terminate contains {"rule": "session-terminated"} if input.session.state == "terminated"

# METADATA
# title: the subject is suspended
# description: This subject is suspended; all its sessions end.
# custom:
#   id: subject-suspended
#   remediation: Ask the security team to lift the suspension.
terminate contains {"rule": "subject-suspended"} if input.subject.attributes.status == "suspended"

# METADATA
# title: AI agents change nothing of weight
# description: AI agents may not administer, delete or export this.
# custom:
#   id: agent-fence
#   remediation: Let a person do this, or ask one to approve it.
deny contains {"rule": "agent-fence"} if {
	data.protection.agents.types[input.subject.type]
	data.protection.agents.classes[input.action["class"]]
	data.ostiary.lib.sensitivity >= data.protection.agents.from_sensitivity
}

# METADATA
# title: only tenant administrators run Ostiary
# description: Ostiary's own settings, policies, models and keys are for tenant administrators.
# custom:
#   id: tenant-admin-only
#   remediation: Ask a tenant administrator.
deny contains {"rule": "tenant-admin-only"} if {
	input.resource.type == "ostiary"
	not roles["tenant-admin"]
}

# METADATA
# title: administering Ostiary needs a phishing-resistant sign-in
# description: Changes to Ostiary itself are made with a recent sign-in that cannot be phished.
# custom:
#   id: tenant-admin-sign-in
#   remediation: Sign in again with a security key or passkey.
step_up contains {
	"rule": "tenant-admin-sign-in",
	"acr_values": data.authentication.acr_values["3"],
	"max_age": data.authentication.fresh_s,
} if {
	input.resource.type == "ostiary"
	not input.action["class"] in {"read", "list"}
	not data.ostiary.lib.freshly_proven
}
