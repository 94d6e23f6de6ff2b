"""What a text says once encodings and odd spellings are undone: decoded once or twice, bounded, with the way back."""

from ostiary.inspection.unwrapping.alternatives import Alternative, alternatives
from ostiary.inspection.unwrapping.strange import plain_words

__all__ = ["Alternative", "alternatives", "plain_words"]
