"""Streams: the log's records told to the outside as numbered events, in order, at least once.

The log itself is the queue: it is durable before an answer leaves, ordered, and grows whether a receiver is there or
not. A stream keeps only how far it came (``cursor``), so a slow or hostile receiver costs nobody else anything.
"""
