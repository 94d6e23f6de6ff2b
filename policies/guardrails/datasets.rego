# Datasets at their door: what for, by which stage, how much, and vouched for by whom.
package ostiary.guardrails

at_datasets if {
	at_door
	door == "datasets"
	input.resource.type == "dataset"
}

# Whoever reads it for what: at the door, where the token is made, or for a training run. Attributes are those of the
# registration, so that a dataset which says nothing of purposes is as it was.
reads_dataset if {
	input.resource.type == "dataset"
	input.action.name in {"dataset.read", "dataset.list"}
}

changes_dataset if input.action.name in {"dataset.write", "dataset.delete"}

# What the dataset says of itself: words of its registration, or of the catalogue, which stands where both speak.
dataset_words(name) := object.get(input.resource.attributes, name, [])

# METADATA
# title: not for this purpose
# description: The dataset is registered for other purposes than the one that the token names.
# custom:
#   id: dataset-purpose
#   remediation: Exchange your identity for a token that names one of the dataset's purposes, or ask its owner.
deny contains {"rule": "dataset-purpose"} if {
	input.resource.type == "dataset"
	reads_dataset
	purposes := dataset_words("purposes")
	purposes != []
	not among_words(input.action.properties, "purpose", purposes)
}

# METADATA
# title: not for this stage
# description: The dataset is read by other stages of a pipeline than the one that the token names.
# custom:
#   id: dataset-stage
#   remediation: Read it from one of the dataset's stages, with a token that names the stage.
deny contains {"rule": "dataset-stage"} if {
	input.resource.type == "dataset"
	reads_dataset
	stages := dataset_words("stages")
	stages != []
	not among_words(input.action.properties, "stage", stages)
}

# METADATA
# title: this stage does not produce it
# description: Only the stages that are registered as producing a dataset change it; without one, nobody does.
# custom:
#   id: dataset-producer-stage
#   remediation: Have the stage registered among those that produce the dataset.
deny contains {"rule": "dataset-producer-stage"} if {
	input.resource.type == "dataset"
	at_datasets
	changes_dataset
	not among_words(input.action.properties, "stage", dataset_words("produced_by"))
}

# METADATA
# title: too much at once
# description: One read may not take so many bytes of this dataset.
# custom:
#   id: dataset-read-size
#   remediation: Ask for a smaller range of the object.
deny contains {"rule": "dataset-read-size", "refused_above": bound} if {
	input.resource.type == "dataset"
	at_datasets
	input.action.name == "dataset.read"
	some bound in {data.pipeline.datasets.max_read_bytes, object.get(input.resource.attributes, "max_read_bytes", 0)}
	bound > 0
	not within(object.get(input.action.properties, "bytes", 0), bound)
}

# METADATA
# title: nobody vouches for it
# description: A dataset that is marked as verified only is not read without a manifest of a known producer.
# custom:
#   id: dataset-unsigned
#   remediation: Have a producer of the dataset sign what lies in it (`ostiary dataset manifest`).
deny contains {"rule": "dataset-unsigned"} if {
	input.resource.type == "dataset"
	at_datasets
	input.action.name == "dataset.read"
	data.pipeline.datasets.verified_label in input.resource.labels
	not vouched_for
}

vouched_for if {
	input.resource.properties.manifest == "verified"
	input.action.properties.verified == true
}

# The signed manifest itself is read before anything can be verified, and its signature is its own proof.
vouched_for if input.action.properties.manifest == true

among_words(properties, name, words) if properties[name] in words

within(count_, bound) if {
	is_number(count_)
	count_ >= 0
	count_ <= bound
}
