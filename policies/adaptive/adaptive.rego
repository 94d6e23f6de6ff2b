# METADATA
# title: Adaptive rules
# description: >
#   What to propose, given the guardrails' result and a model's score. A proposal can only tighten, and the decision
#   applies it under the phase of its control and the guardrails' ceiling. A higher score never proposes less: that is
#   checked before this package goes live.
package ostiary.adaptive

decision := {"proposals": proposals, "obligations": obligations}

bounds := data.thresholds.by_sensitivity[data.ostiary.lib.key]

strongest := data.authentication.acr_values["3"]

# Under which name a rule is told to whoever is judged, by what came of it: which of them acted would tell in which band
# a score lies. Records keep the rules' own names.
told_as := {
	"REDUCE": "risk-shorter-session",
	"STEP_UP": "risk-step-up",
	"DENY": "risk-deny",
	"TERMINATE": "risk-terminate",
}

sensitive if data.ostiary.lib.sensitivity >= data.thresholds.sensitive_from

scored if {
	input.risk.available == true
	is_number(input.risk.score)
}

# How little the model has seen: 0 much history, 1 none. Untold counts as none.
uncertainty := input.risk.uncertainty if {
	is_number(input.risk.uncertainty)
} else := 1

# Asked for by the score itself, or by the model's own level: from which sensitivity on that counts is in the table.
asks_for(what) if {
	scored
	input.risk.score >= bounds[what]
}

asks_for(what) if {
	scored
	data.ostiary.lib.sensitivity >= data.thresholds.by_level[input.risk.level][what]
}

# METADATA
# title: unusual access, shorter session
# description: This access is somewhat unusual for this subject, so the session is kept short.
# custom:
#   id: risk-shorter-session
#   effect: REDUCE
#   remediation: Nothing is needed now; you will be asked to sign in again sooner.
proposals contains {
	"rule": "risk-shorter-session",
	"told_as": told_as,
	"effect": "REDUCE",
	"control": "session_lifetime",
	"max_age": data.thresholds.reduced_session_s,
} if {
	input.risk.available == true
	asks_for("reduce")
}

# METADATA
# title: unusual access, prove it is you
# description: This access is unusual for this subject, so the subject must prove itself again.
# custom:
#   id: risk-step-up
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "risk-step-up",
	"told_as": told_as,
	"effect": "STEP_UP",
	"control": "step_up",
	"acr_values": strongest,
	"max_age": data.authentication.fresh_s,
} if {
	input.risk.available == true
	asks_for("step_up")
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: too little known, prove it is you
# description: Little is known of this subject's habits and the access looks odd, so the subject must prove itself again.
# custom:
#   id: risk-uncertain
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "risk-uncertain",
	"told_as": told_as,
	"effect": "STEP_UP",
	"control": "step_up",
	"acr_values": strongest,
	"max_age": data.authentication.fresh_s,
} if {
	input.risk.available == true
	scored
	sensitive
	uncertainty >= data.thresholds.uncertain.from
	input.risk.score >= data.thresholds.uncertain.step_up
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: no score for sensitive data
# description: The risk of this access could not be judged, so the subject must prove itself again.
# custom:
#   id: risk-unavailable
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "risk-unavailable",
	"told_as": told_as,
	"effect": "STEP_UP",
	"control": "step_up",
	"acr_values": strongest,
	"max_age": data.authentication.fresh_s,
} if {
	not scored
	sensitive
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: slow drift, prove it is you
# description: This subject's days have moved away from its frozen baseline, so the subject must prove itself again.
# custom:
#   id: drift-step-up
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "drift-step-up",
	"effect": "STEP_UP",
	"control": "step_up",
	"acr_values": strongest,
	"max_age": data.authentication.fresh_s,
} if {
	input.drift.alarm == true
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: very unusual access
# description: This access is very unlikely to be the subject's own.
# custom:
#   id: risk-deny
#   effect: DENY
#   remediation: Ask the security team to look at it with you.
proposals contains {"rule": "risk-deny", "told_as": told_as, "effect": "DENY", "control": "deny"} if {
	input.risk.available == true
	scored
	input.risk.score >= deny_from
}

# A fresh sign-in that cannot be phished speaks against the model's doubt: then only the utmost score denies.
deny_from := bounds.deny if not data.ostiary.lib.freshly_proven

deny_from := bounds.terminate if data.ostiary.lib.freshly_proven

# METADATA
# title: takeover suspected
# description: This session looks taken over, so it is ended.
# custom:
#   id: risk-terminate
#   effect: TERMINATE
#   remediation: Sign in again, and tell the security team if you did not do this.
proposals contains {"rule": "risk-terminate", "told_as": told_as, "effect": "TERMINATE", "control": "terminate"} if {
	input.risk.available == true
	scored
	input.risk.score >= bounds.terminate
	uncertainty < data.thresholds.terminate_below_uncertainty
	not data.ostiary.lib.freshly_proven
}

# The session as a whole: its level does not flap (a step-up answers it for a while), and what it loses stays lost until
# its user proves who it is. These rules are asked at each access, and once more after it, when its session was judged.
session_scored if {
	input.session_risk.available == true
	is_number(input.session_risk.score)
}

# Untold counts as the most.
default session_uncertainty := 1

session_uncertainty := input.session_risk.uncertainty

session_asks_for(what) if {
	session_scored
	data.thresholds.by_session_level[input.session_risk.level][what]
}

# METADATA
# title: unusual session, shorter life
# description: This session is somewhat unusual for its user, so it is kept short.
# custom:
#   id: session-risk-shorter
#   effect: REDUCE
#   remediation: Nothing is needed now; you will be asked to sign in again sooner.
proposals contains {
	"rule": "session-risk-shorter",
	"told_as": told_as,
	"effect": "REDUCE",
	"control": "session_lifetime",
	"scope": "session",
	"max_age": data.thresholds.reduced_session_s,
} if {
	input.session_risk.available == true
	session_asks_for("shorter")
}

# METADATA
# title: unusual session, fewer rights
# description: This session is unusual for its user, so it loses rights until its user proves who it is.
# custom:
#   id: session-risk-reduce
#   effect: REDUCE
#   remediation: Sign in again with a security key or passkey to have them back.
proposals contains {
	"rule": "session-risk-reduce",
	"told_as": told_as,
	"effect": "REDUCE",
	"control": "reduce",
	"scope": "session",
	"privileges": data.thresholds.dropped_privileges,
} if {
	input.session_risk.available == true
	session_asks_for("reduce")
}

# METADATA
# title: unusual session, prove it is you
# description: This session is unusual for its user, so its user must prove itself again.
# custom:
#   id: session-risk-step-up
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "session-risk-step-up",
	"told_as": told_as,
	"effect": "STEP_UP",
	"control": "step_up",
	"scope": "session",
	"acr_values": strongest,
} if {
	input.session_risk.available == true
	session_asks_for("step_up")
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: session taken over
# description: This session looks taken over, so it is ended.
# custom:
#   id: session-risk-terminate
#   effect: TERMINATE
#   remediation: Sign in again, and tell the security team if you did not do this.
proposals contains {
	"rule": "session-risk-terminate",
	"told_as": told_as,
	"effect": "TERMINATE",
	"control": "terminate",
	"scope": "session",
} if {
	input.session_risk.available == true
	session_asks_for("step_up")
	input.session_risk.score >= data.thresholds.session_terminate
	session_uncertainty < data.thresholds.terminate_below_uncertainty
	not data.ostiary.lib.freshly_proven
}

# How the subject types and moves, where it agreed to be watched and is known by it. Without any of it there is no
# `input.biometrics`, and nothing here says anything: nobody is asked for more because a hand rests, a reader speaks, or
# nobody agreed. The decision caps every proposal that rests on it at a step-up, whatever is written here.
known_by_behaviour := input.biometrics.stage

behaviour_asks_for(what) if {
	is_number(input.biometrics.llr)
	input.biometrics.llr >= data.thresholds.biometrics[known_by_behaviour][what]
}

drifts if input.biometrics.alarm == true

drifts if {
	is_number(input.biometrics.drift)
	input.biometrics.drift >= data.thresholds.biometrics.drift
}

# METADATA
# title: typing and moving somewhat unlike the subject
# description: The way of typing and moving is somewhat unlike the subject's own, so the session is kept short.
# custom:
#   id: biometrics-shorter-session
#   effect: REDUCE
#   remediation: Nothing is needed now; you will be asked to sign in again sooner.
proposals contains {
	"rule": "biometrics-shorter-session",
	"told_as": told_as,
	"rests_on": "biometrics",
	"effect": "REDUCE",
	"control": "session_lifetime",
	"scope": "session",
	"max_age": data.thresholds.reduced_session_s,
} if behaviour_asks_for("shorter")

# METADATA
# title: typing and moving unlike the subject
# description: The way of typing and moving is unlike the subject's own, so the subject must prove itself again.
# custom:
#   id: biometrics-step-up
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "biometrics-step-up",
	"told_as": told_as,
	"rests_on": "biometrics",
	"effect": "STEP_UP",
	"control": "step_up",
	"scope": "session",
	"acr_values": strongest,
} if {
	behaviour_asks_for("step_up")
	not data.ostiary.lib.freshly_proven
}

# A replay answers a fresh proof as well: the evidence begins anew with each proof, so what is replayed came after it.
# METADATA
# title: typing and moving that is not live
# description: The way of typing and moving is a repetition or made by a program, so the subject must prove itself again.
# custom:
#   id: biometrics-replayed
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "biometrics-replayed",
	"told_as": told_as,
	"rests_on": "biometrics",
	"effect": "STEP_UP",
	"control": "step_up",
	"scope": "session",
	"acr_values": strongest,
} if {
	is_number(input.biometrics.liveness)
	input.biometrics.liveness <= data.thresholds.biometrics.replayed
}

# METADATA
# title: typing and moving that hardly looks like a person's
# description: The way of typing and moving hardly looks like a person's own hand, so the subject must prove itself again.
# custom:
#   id: biometrics-not-live
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "biometrics-not-live",
	"told_as": told_as,
	"rests_on": "biometrics",
	"effect": "STEP_UP",
	"control": "step_up",
	"scope": "session",
	"acr_values": strongest,
} if {
	is_number(input.biometrics.liveness)
	input.biometrics.liveness < data.thresholds.biometrics.live_from
	not data.ostiary.lib.freshly_proven
}

# METADATA
# title: the known way of typing and moving has drifted
# description: What is known of this subject's typing and moving has moved far from how it was enrolled.
# custom:
#   id: biometrics-drift
#   effect: STEP_UP
#   remediation: Sign in again with a security key or passkey.
proposals contains {
	"rule": "biometrics-drift",
	"told_as": told_as,
	"rests_on": "biometrics",
	"effect": "STEP_UP",
	"control": "step_up",
	"scope": "session",
	"acr_values": strongest,
} if {
	drifts
	not data.ostiary.lib.freshly_proven
}

obligations contains {
	"id": "risk-notification",
	"type": "notification",
	"properties": {"to": "security-team", "body": "an access was judged very unusual", "topic": "risk"},
} if {
	input.risk.available == true
	scored
	input.risk.score >= bounds.deny
}
