"""Several people agree to one deed: proposals, rules, signatures, quorums, and the check wherever it takes effect.

Deterministic: nothing learned is imported here, and nothing here opens a door by itself.
"""
