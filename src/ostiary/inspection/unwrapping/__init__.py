"""What a text says once encodings and odd spellings are undone: decoded once or twice, bounded, with the way back."""

from ostiary.inspection.unwrapping.alternatives import Alternative, alternatives

__all__ = ["Alternative", "alternatives"]
