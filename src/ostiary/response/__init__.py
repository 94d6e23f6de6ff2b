"""Obligations and incidents become effects: playbooks, one idempotent executor, cases, receipts.

Deterministic: what a model says arrives here as a decision that was already made, or as a proposal that waits for a
person.
"""
