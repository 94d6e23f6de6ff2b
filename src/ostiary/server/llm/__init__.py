"""The door in front of language models: who asks, the decision, the answer's way out, what is told of faults."""
