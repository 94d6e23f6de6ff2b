"""LanceDB: vectors in files below the data directory."""

from ostiary.storage.lance.vectors import LanceVectors

__all__ = ["LanceVectors"]
