"""Logs, metrics and traces: what operators see, with no secret and no person in it."""
