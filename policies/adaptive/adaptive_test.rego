package ostiary.adaptive_test

import data.examples
import data.ostiary.adaptive

with_risk(request, risk) := object.union(request, {
	"guardrails": {"floor": "ALLOW", "rules": ["role-grant"]},
	"risk": object.union(
		{
			"available": true,
			"reason": "",
			"level": "low",
			"uncertainty": 0.1,
			"model": "sha256:m",
			"signals": [],
		},
		risk,
	),
})

rules(hits) := {hit.rule | some hit in hits}

proposed(request, risk) := found if {
	found := rules(adaptive.decision.proposals) with input as with_risk(request, risk)
}

at_sensitivity(level) := object.union(examples.developer, {"resource": {"sensitivity": level}})

fresh := {"subject": {"identity": {
	"acr": "urn:ostiary:acr:phishing-resistant",
	"auth_age_s": 30,
}}}

test_the_article_asks_for_a_step_up if {
	decision := adaptive.decision with input as with_risk(examples.developer_at_night, {"score": 0.83})
	rules(decision.proposals) == {"risk-shorter-session", "risk-step-up"}
	some hit in decision.proposals
	hit.rule == "risk-step-up"
	hit.effect == "STEP_UP"
	hit.acr_values == ["urn:ostiary:acr:phishing-resistant"]
}

test_low_score_proposes_nothing if {
	proposed(examples.developer_at_night, {"score": 0.05}) == set()
}

test_shorter_session if {
	proposed(examples.developer_at_night, {"score": 0.4}) == {"risk-shorter-session"}
	decision := adaptive.decision with input as with_risk(examples.developer_at_night, {"score": 0.4})
	some hit in decision.proposals
	hit.control == "session_lifetime"
	hit.max_age == 900
}

test_deny if {
	proposed(examples.developer_at_night, {"score": 0.98}) == {"risk-shorter-session", "risk-step-up", "risk-deny"}
}

test_terminate if {
	"risk-terminate" in proposed(examples.developer_at_night, {"score": 0.999})
}

test_no_terminate_on_little_history if {
	risk := {"score": 0.999, "uncertainty": 0.5}
	not "risk-terminate" in proposed(examples.developer_at_night, risk)
	"risk-deny" in proposed(examples.developer_at_night, risk)
}

test_untold_uncertainty_is_no_history if {
	every value in [null, "low"] {
		proposed(examples.developer_at_night, {"score": 0.35, "uncertainty": value}) == {"risk-uncertain"}
		not "risk-terminate" in proposed(examples.developer_at_night, {"score": 1, "uncertainty": value})
	}
}

test_public_resources_are_tolerant if {
	proposed(at_sensitivity(0), {"score": 0.9}) == set()
	proposed(at_sensitivity(0), {"score": 1}) == {"risk-shorter-session", "risk-step-up"}
}

test_crown_jewels_are_touchy if {
	proposed(at_sensitivity(4), {"score": 0.4}) == {"risk-shorter-session", "risk-step-up"}
}

test_fresh_proof_answers_the_doubt if {
	request := object.union(examples.developer_at_night, fresh)
	proposed(request, {"score": 0.83}) == {"risk-shorter-session"}
	proposed(request, {"score": 0.99}) == {"risk-shorter-session"}
	proposed(request, {"score": 0.999}) == {"risk-shorter-session", "risk-deny"}
}

test_old_proof_does_not if {
	old := object.union(examples.developer_at_night, {"subject": {"identity": {
		"acr": "urn:ostiary:acr:phishing-resistant",
		"auth_age_s": 601,
	}}})
	"risk-step-up" in proposed(old, {"score": 0.83})
}

test_asserted_proof_does_not if {
	named := object.union(fresh, {"subject": {"identity": {
		"assurance": "asserted",
		"acr": "urn:ostiary:acr:phishing-resistant",
		"auth_age_s": 30,
	}}})
	"risk-step-up" in proposed(object.union(examples.developer_at_night, named), {"score": 0.83})
}

test_unavailable_on_sensitive if {
	risk := {"available": false, "reason": "risk_no_model", "score": null}
	proposed(examples.developer_at_night, risk) == {"risk-unavailable"}
}

test_unavailable_elsewhere if {
	proposed(examples.developer, {"available": false, "score": null}) == set()
}

test_available_without_a_number_is_unavailable if {
	every value in [null, "0.1", true, []] {
		proposed(examples.developer_at_night, {"score": value}) == {"risk-unavailable"}
	}
}

test_no_risk_member_is_unavailable if {
	rules(adaptive.decision.proposals) == {"risk-unavailable"} with input as examples.developer_at_night
}

test_unavailable_after_fresh_proof if {
	risk := {"available": false, "score": null}
	proposed(object.union(examples.developer_at_night, fresh), risk) == set()
}

test_uncertain_on_sensitive if {
	risk := {"score": 0.35, "uncertainty": 0.8}
	proposed(examples.developer_at_night, risk) == {"risk-uncertain"}
}

test_certain_on_sensitive if {
	risk := {"score": 0.35, "uncertainty": 0.79}
	proposed(examples.developer_at_night, risk) == set()
}

test_uncertain_elsewhere if {
	proposed(examples.developer, {"score": 0.5, "uncertainty": 1}) == set()
}

test_security_hears_of_the_utmost if {
	decision := adaptive.decision with input as with_risk(examples.developer_at_night, {"score": 0.99})
	{obligation.id | some obligation in decision.obligations} == {"risk-notification"}
}

test_untold_sensitivity_is_sensitive if {
	proposed(at_sensitivity(null), {"available": false, "score": null}) == {"risk-unavailable"}
}

test_higher_scores_never_propose_less if {
	every name in ["developer", "developer_at_night", "ci_job", "admin"] {
		every step in numbers.range(0, 99) {
			low := proposed(examples[name], {"score": step / 100})
			high := proposed(examples[name], {"score": (step + 1) / 100})
			count(low - high) == 0
		}
	}
}

test_the_models_level_counts_by_sensitivity if {
	high := {"score": 0.02, "level": "high"}
	proposed(at_sensitivity(0), high) == set()
	proposed(at_sensitivity(1), high) == {"risk-shorter-session"}
	proposed(at_sensitivity(2), high) == {"risk-shorter-session", "risk-step-up"}
	proposed(at_sensitivity(3), high) == {"risk-shorter-session", "risk-step-up"}
}

test_a_medium_level_shortens_sessions_on_crown_jewels_only if {
	medium := {"score": 0.002, "level": "medium"}
	proposed(at_sensitivity(3), medium) == set()
	proposed(at_sensitivity(4), medium) == {"risk-shorter-session"}
}

test_an_unheard_of_level_asks_for_nothing if {
	proposed(at_sensitivity(4), {"score": 0.02, "level": "unknown"}) == set()
}

with_session_risk(request, risk) := object.union(with_risk(request, {"score": 0.01}), {"session_risk": object.union(
	{"available": true, "reason": "", "level": "low", "uncertainty": 0.1, "model": "sha256:m", "signals": []},
	risk,
)})

session_proposed(request, risk) := found if {
	found := rules(adaptive.decision.proposals) with input as with_session_risk(request, risk)
}

test_a_session_of_untold_uncertainty_is_not_ended if {
	whole := with_session_risk(examples.developer_at_night, {"score": 0.9999, "level": "high"})
	untold := object.union(
		object.remove(whole, ["session_risk"]),
		{"session_risk": object.remove(whole.session_risk, ["uncertainty"])},
	)
	"session-risk-terminate" in rules(adaptive.decision.proposals) with input as whole
	not "session-risk-terminate" in rules(adaptive.decision.proposals) with input as untold
}

test_quiet_session_proposes_nothing if {
	session_proposed(examples.developer_at_night, {"score": 0.02}) == set()
}

test_session_without_a_score_proposes_nothing if {
	session_proposed(examples.developer_at_night, {"score": null, "available": false, "level": "high"}) == set()
}

test_medium_session_lives_shorter if {
	session_proposed(examples.developer_at_night, {"score": 0.1, "level": "medium"}) == {"session-risk-shorter"}
}

test_high_session_loses_rights_and_steps_up if {
	request := with_session_risk(examples.developer_at_night, {"score": 0.5, "level": "high"})
	decision := adaptive.decision with input as request
	rules(decision.proposals) == {"session-risk-shorter", "session-risk-reduce", "session-risk-step-up"}
	every hit in decision.proposals {
		hit.scope == "session"
	}
	some hit in decision.proposals
	hit.privileges == ["admin", "delete", "export"]
}

test_taken_over_session_is_ended if {
	risk := {"score": 0.99, "level": "high"}
	"session-risk-terminate" in session_proposed(examples.developer_at_night, risk)
	doubtful := object.union(risk, {"uncertainty": 0.6})
	not "session-risk-terminate" in session_proposed(examples.developer_at_night, doubtful)
}

test_fresh_proof_answers_the_session if {
	proven := session_proposed(object.union(examples.developer_at_night, fresh), {"score": 0.99, "level": "high"})
	proven == {"session-risk-shorter", "session-risk-reduce"}
}

drifting(alarm) := {"drift": {"alarm": alarm, "measures": ["hour:up"], "days": 40, "fault": ""}}

test_drift_asks_for_a_step_up_and_for_nothing_more if {
	calm := {"score": 0.01}
	proposed(object.union(examples.developer, drifting(true)), calm) == {"drift-step-up"}
	proposed(object.union(examples.developer, drifting(false)), calm) == set()
	proposed(examples.developer, calm) == set()
	proposed(object.union(object.union(examples.developer, drifting(true)), fresh), calm) == set()
}

typing(found) := {"biometrics": object.union(
	{
		"stage": "enrolled",
		"llr": -1,
		"confidence": 1,
		"liveness": 1,
		"drift": 0.5,
		"alarm": false,
		"modalities": ["keystroke"],
		"windows": 12,
	},
	found,
)}

by_typing(found) := proposed(object.union(examples.developer, typing(found)), {"score": 0.01})

test_nothing_known_of_typing_proposes_nothing if {
	proposed(examples.developer, {"score": 0.01}) == set()
	by_typing({}) == set()
}

test_typing_unlike_the_subject if {
	by_typing({"llr": 1.1}) == {"biometrics-shorter-session"}
	by_typing({"llr": 2.4}) == {"biometrics-shorter-session", "biometrics-step-up"}
	by_typing({"llr": 50}) == {"biometrics-shorter-session", "biometrics-step-up"}
}

test_somebody_hardly_known_is_asked_for_a_proof_and_nothing_else if {
	by_typing({"stage": "provisional", "llr": 2.4}) == set()
	by_typing({"stage": "provisional", "llr": 2.6}) == {"biometrics-step-up"}
}

test_an_unheard_of_stage_or_number_proposes_nothing if {
	by_typing({"stage": "none", "llr": 9}) == set()
	by_typing({"llr": "9", "drift": null, "liveness": null}) == set()
}

test_a_replay_asks_for_a_proof_whoever_has_just_given_one if {
	by_typing({"liveness": 0}) == {"biometrics-replayed", "biometrics-not-live"}
	by_typing({"liveness": 0.3}) == {"biometrics-not-live"}
	request := object.union(object.union(examples.developer, typing({"liveness": 0, "llr": 9})), fresh)
	proposed(request, {"score": 0.01}) == {"biometrics-shorter-session", "biometrics-replayed"}
}

test_drifted_typing_asks_for_a_proof if {
	by_typing({"alarm": true}) == {"biometrics-drift"}
	by_typing({"drift": 6}) == {"biometrics-drift"}
	request := object.union(object.union(examples.developer, typing({"alarm": true})), fresh)
	proposed(request, {"score": 0.01}) == set()
}

test_typing_never_proposes_more_than_a_proof if {
	every stage in ["provisional", "enrolled"] {
		decision := adaptive.decision with input as with_risk(
			object.union(examples.developer, typing({"stage": stage, "llr": 50, "liveness": 0, "alarm": true})),
			{"score": 0.01},
		)
		every hit in decision.proposals {
			hit.effect in {"REDUCE", "STEP_UP"}
			hit.rests_on == "biometrics"
		}
	}
}
