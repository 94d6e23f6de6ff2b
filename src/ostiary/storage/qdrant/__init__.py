"""Qdrant over its REST interface."""

from ostiary.storage.qdrant.vectors import QdrantVectors

__all__ = ["QdrantVectors"]
