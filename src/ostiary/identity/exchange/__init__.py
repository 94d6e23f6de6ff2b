"""Ostiary's own access tokens: what another identity is exchanged for (RFC 8693), for one resource and some minutes.

- ``details``: what a token is for (RFC 9396), and how that is read from bytes that a caller sent.
- ``issuing``: makes tokens; ``own`` lets the verifier believe them, as it believes any other issuer's.
- A token is bound to its holder's key, names one resource, and keeps whose word it rests on (``origin``, ``act``).
"""
