"""Fixed phrases: the same few keys typed again and again, as a passphrase is; told by its rhythm, never by its keys.

- The phrase that a model was trained on is judged by trees over comparisons with the template, key by key.
- Another phrase, or the same on a device unlike those of training, is judged by how near it comes to the person's own
  latest repetitions, with the person's own deviations: nothing of the training people's speed is in it.
- People get faster with practice: late repetitions of an enrolment weigh more than early ones (ADR-0054).
"""
