"""Tokens, proofs of possession and enforcement points: the only room that can make a ``VerifiedIdentity``."""
