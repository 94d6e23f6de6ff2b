"""Retrieval under the asker's own rights: sources with their permissions, an index, a filter from policy."""
