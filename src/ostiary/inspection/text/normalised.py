"""A text as the detectors read it: plain, with a way back to where each character came from.

>>> Normalised("ab", (0, 5, 6)).span(1, 2)
(5, 6)
"""

from collections.abc import Sequence

import msgspec

from ostiary.inspection.text.hidden import Hidden


class Normalised(msgspec.Struct, frozen=True):
    """What a text says once nothing in it is dressed up.

    Attributes:
        text: the plain text.
        origins: where each character of ``text`` came from, and at the end the length of what came; ``None`` when
            nothing was moved.
        marks: how often each disguise was found: ``tag``, ``variation``, ``bidi``, ``zero_width``, ``control``,
            ``combining``, ``lookalike``, ``confusable``, ``compatible``, ``emoji_in_word``, ``unassigned``.
        hidden: texts that were not to be seen, read back.
    """

    text: str
    origins: Sequence[int] | None = None
    marks: dict[str, int] = {}
    hidden: tuple[Hidden, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters ``start`` to ``end`` of the plain text stood in the text as it came."""
        if self.origins is None:
            return start, end
        if end <= start:
            return self.origins[start], self.origins[start]
        return self.origins[start], max(self.origins[end - 1] + 1, min(self.origins[end], self.origins[-1]))
