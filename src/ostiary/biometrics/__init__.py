"""Behavioural biometrics: is it still the same person who types, moves and works?

- One encoder a modality turns a window of behaviour into numbers; a template of a person's windows judges the next.
- A judgement is a log-likelihood ratio, calibrated on held-out sessions, capped, averaged in a session, never summed.
- Raw windows are never stored; templates are sealed with the person's key, and gone with it.
- Nothing here decides: policy reads what it says, and may ask for a step-up on its word, no more (ADR-0050).
"""
