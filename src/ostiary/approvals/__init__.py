"""Several people agree to one deed: proposals, rules, signatures, quorums, and the check wherever it takes effect.

Deterministic: nothing learned is imported here, and nothing here opens a door by itself.

- ``people``, ``rules``, ``law``: who may agree, how many it takes, and how that changes: by the rules that it had.
- ``proposal``, ``words``, ``canonical``: what people sign, in one form. ``drafting``: how it comes to be.
- ``signing``, ``delegating``: one signature, and for whom. ``counting``, ``standing``: what they add up to.
- ``acts``, ``journal``, ``ports``: everything is in the log, and read back from there.
- ``room``: what can be done. ``quorum``: what other rooms ask.
"""
