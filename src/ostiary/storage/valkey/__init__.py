"""Valkey: what replicas share in memory. The quick way to what is true, never its only place (ADR-0069).

- Nothing here is lost by a flush, a restart or a failover: it is made anew from the SQL store, or it refuses.
- Every key has its tenant in it (``names``), every script takes the server's time, every wait has an end (``link``).
- Nothing here is imported but by a house that is opened with ``[valkey]``, and it needs no other package.
"""
