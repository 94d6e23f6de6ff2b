"""Text made plain before anybody judges it: one pass, bounded, with a way back to the text as it came."""

from ostiary.inspection.text.hidden import Hidden
from ostiary.inspection.text.normalised import Normalised
from ostiary.inspection.text.normalising import MAX_CHARS, normalise

__all__ = ["MAX_CHARS", "Hidden", "Normalised", "normalise"]
