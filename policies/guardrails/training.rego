# Training: where a run may call, and what it must be made of.
package ostiary.guardrails

trains if input.action.name == "train.run"

run_properties := input.action.properties

# Every run is told where it may call, also when that is nowhere: a runner that is told nothing starts nothing.
obligations contains {"id": "egress", "type": "egress", "properties": {"allow": egress}} if {
	input.action.name == "train.run"
	trains
}

# What is listed for all pipelines, and what is listed for this one.
egress contains object.remove(place, ["pipelines"]) if {
	some kind in ["registries", "logging"]
	some listed in data.pipeline.training[kind]
	place := object.union({"kind": kind}, listed)
	for_pipeline(place)
}

for_pipeline(place) if not "pipelines" in object.keys(place)

for_pipeline(place) if input.resource.id in place.pipelines

egress_targets contains sprintf("%s:%d", [place.host, place.port]) if some place in egress

# METADATA
# title: the run wants to call elsewhere
# description: A training run may only call the model registries and logging endpoints that are approved for it.
# custom:
#   id: training-egress
#   remediation: Ask for less with `--egress`, or have the place listed under `pipeline.training`.
deny contains {"rule": "training-egress", "places": beyond} if {
	input.action.name == "train.run"
	trains
	beyond := {place | some place in object.get(run_properties, "egress", [])} - egress_targets
	count(beyond) > 0
}

deny contains {"rule": "training-egress"} if {
	input.action.name == "train.run"
	trains
	not is_array(object.get(run_properties, "egress", []))
}

# METADATA
# title: a dataset is not proven
# description: A run uses only datasets whose manifest is signed by a producer that is known.
# custom:
#   id: training-dataset
#   remediation: Have the producer sign the dataset's manifest, and its key registered with the dataset.
deny contains {"rule": "training-dataset"} if {
	input.action.name == "train.run"
	trains
	some dataset in object.get(run_properties, "datasets", [])
	not dataset_proven(dataset)
}

deny contains {"rule": "training-dataset"} if {
	input.action.name == "train.run"
	trains
	not is_array(object.get(run_properties, "datasets", []))
}

dataset_proven(dataset) if {
	is_string(dataset.digest)
	regex.match(`^sha256:[0-9a-f]{64}$`, dataset.digest)
	is_string(dataset.producer)
	dataset.producer != ""
	dataset.producer in object.get(data.pipeline.training.producers, dataset.name, [dataset.producer])
}

# METADATA
# title: the environment is not approved
# description: A run uses only environments whose digest is approved.
# custom:
#   id: training-environment
#   remediation: Use an approved environment, or have its digest listed under `pipeline.training.environments`.
deny contains {"rule": "training-environment"} if {
	input.action.name == "train.run"
	trains
	data.pipeline.training.environments != []
	not environment_approved
}

environment_approved if run_properties.environment.digest in data.pipeline.training.environments

# METADATA
# title: the code is no commit
# description: What runs here must be exactly a commit, with nothing beside it.
# custom:
#   id: training-commit
#   remediation: Commit the code and run it by `--code` and `--commit`.
deny contains {"rule": "training-commit"} if {
	input.action.name == "train.run"
	trains
	data.pipeline.training.commit_required
	not is_commit
}

is_commit if {
	is_string(run_properties.commit)
	regex.match(`^[0-9a-f]{40}([0-9a-f]{24})?$`, run_properties.commit)
}

# Where the job's own token names a commit, that one runs and no other.
deny contains {"rule": "training-commit"} if {
	input.action.name == "train.run"
	trains
	sha := proven.claims.sha
	data.pipeline.training.commit_required
	sha != run_properties.commit
}

# METADATA
# title: the sandbox is not the usual one
# description: A run must be held by the sandbox that this deployment knows, with its self-tests on.
# custom:
#   id: training-sandbox
#   remediation: Run it with `ostiary train run`.
deny contains {"rule": "training-sandbox"} if {
	input.action.name == "train.run"
	trains
	not sandbox_known
}

sandbox_known if run_properties.sandbox in data.pipeline.training.sandboxes
