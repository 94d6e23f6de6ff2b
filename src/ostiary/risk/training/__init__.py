"""Training: history in, signed model out; no labels needed, verdicts welcome."""
