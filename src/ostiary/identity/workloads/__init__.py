"""Programs that prove who they are: CI jobs, pods and services, each by a token of the platform that runs it.

What all of them share is here, what differs is one file a kind in ``kinds``, found by reflection:

- a kind says what its tokens look like and which of their claims can never pass to somebody else;
- a rule names such immutable ids and what else must hold; names alone are a configuration error, because a name
  can be given up, taken by others and given back (ADR-0020);
- the subject's id is made from immutable ids, so that a profile, a grant or a revocation never changes hands.
"""
