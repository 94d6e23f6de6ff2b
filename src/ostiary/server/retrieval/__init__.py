"""Retrieval in the server: which indexes and sources there are, who searches, and the record of what was found."""

from ostiary.server.retrieval.room import RagRoom

__all__ = ["RagRoom"]
