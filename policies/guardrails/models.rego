# The registry's door: who makes a model live and who loads it. What stands in `input.resource.properties` is the
# registry's own word there: the door puts it in, never the caller.
package ostiary.guardrails

at_models if input.pep.id == "ostiary:models"

models := data.pipeline.models

# Every action after which a model does something.
model_used if {
	at_models
	input.action.name in {"model.promote", "model.load"}
}

promoting if {
	at_models
	input.action.name == "model.promote"
}

loading if {
	at_models
	input.action.name == "model.load"
}

model_stage := object.get(models.stages, object.get(input.action.properties, "stage", ""), {"unknown": true})

# METADATA
# title: no such stage
# description: Models are promoted to, and loaded from, the stages that policy knows.
# custom:
#   id: model-stage-unknown
#   remediation: Use a stage of `pipeline.models.stages`, and a token that names it.
deny contains {"rule": "model-stage-unknown"} if {
	input.pep.id == "ostiary:models"
	model_used
	model_stage.unknown == true
}

# METADATA
# title: one stage after the other
# description: A model becomes live here only after it was live in the stages before.
# custom:
#   id: model-stage-order
#   remediation: Promote the same version to the stage before first.
deny contains {"rule": "model-stage-order", "after": before} if {
	input.action.name == "model.promote"
	promoting
	not input.action.properties.deed == "rollback"
	some before in object.get(model_stage, "after", [])
	not before in object.get(input.resource.properties, "was_live_in", [])
}

# METADATA
# title: the model is quarantined
# description: The model was shut out; it is neither promoted nor loaded.
# custom:
#   id: model-quarantined
#   remediation: Load the version before it, or have it released by an approval.
deny contains {"rule": "model-quarantined"} if {
	input.pep.id == "ostiary:models"
	model_used
	input.resource.properties.state == "quarantined"
}

# METADATA
# title: the model cannot be used
# description: No version is there that could be used, or what is stored of it cannot be believed.
# custom:
#   id: model-unusable
#   remediation: See `ostiary model show` and `ostiary model history`.
deny contains {"rule": "model-unusable"} if {
	input.pep.id == "ostiary:models"
	model_used
	not object.get(input.resource.properties, "state", "") in {"registered", "quarantined"}
}

# METADATA
# title: nobody promotes their own model
# description: Whoever made a model, or ran the job that did, does not make it live.
# custom:
#   id: model-own-work
#   remediation: Let somebody else promote it.
deny contains {"rule": "model-own-work"} if {
	input.action.name == "model.promote"
	promoting
	some name in subject_names
	name in object.get(input.resource.properties, "trainers", [])
}

# METADATA
# title: no good report
# description: A model becomes live with a validation report of somebody who did not make it.
# custom:
#   id: model-report
#   remediation: Have the model validated, and the report signed by a validator.
deny contains {"rule": "model-report"} if {
	input.action.name == "model.promote"
	promoting
	not input.resource.properties.report == "good"
}

# METADATA
# title: the metrics are not good enough
# description: A metric of the validation report is missing, or below what this stage asks for.
# custom:
#   id: model-metrics
#   remediation: Train a better model, or have the bound in `pipeline.models.stages` changed.
deny contains {"rule": "model-metrics", "metric": name} if {
	input.action.name == "model.promote"
	promoting
	some name, least in object.get(model_stage, "least", {})
	not enough(name, least)
}

enough(name, least) if {
	is_number(input.resource.properties.metrics[name])
	input.resource.properties.metrics[name] >= least
}

# METADATA
# title: loading is the deployer's alone
# description: Here models are loaded by deployers, and by none who made or promoted them.
# custom:
#   id: model-deployer
#   remediation: Load with the identity of the service that serves the model.
deny contains {"rule": "model-deployer"} if {
	input.action.name == "model.load"
	loading
	model_stage.protected == true
	not input.subject.type in models.deployers
}

deny contains {"rule": "model-deployer"} if {
	input.action.name == "model.load"
	loading
	model_stage.protected == true
	some name in subject_names
	name in array.concat(
		object.get(input.resource.properties, "trainers", []),
		[object.get(input.resource.properties, "promoted_by", "")],
	)
}

# METADATA
# title: critical models need an attested device
# description: People promote and load critical models from a device whose TPM has lately vouched for it.
# custom:
#   id: model-critical-device
#   remediation: Use an enrolled device, and run `ostiary device attest` on it.
deny contains {"rule": "model-critical-device"} if {
	input.pep.id == "ostiary:models"
	model_used
	input.resource.critical == true
	data.ostiary.lib.is_person
	not input.device.trust == "attested"
}

# Who comes: itself, and the one whose token was exchanged.
subject_names contains concat(":", [input.subject.type, input.subject.id])

subject_names contains concat(":", [origin.sub_type, origin.sub]) if {
	input.subject.identity.exchanged == true
	origin := input.subject.identity.claims.origin
}
