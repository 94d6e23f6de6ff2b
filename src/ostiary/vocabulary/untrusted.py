r"""Text that somebody else wrote, with where it came from: log lines, user agents, file names, tickets, prompts.

Rules:

- It is no ``str``: nobody puts it into a sentence, a command, a page or a path by mistake. Formatting it tells where it
  came from and how long it is; its words come out by ``raw`` alone, for code that treats them as data.
- ``shown`` is for people's terminals and for models: everything invisible, moving or reordering is written out, and it
  is bounded. ``html`` is the same for pages.
- What a language model says is such text, too: its source is the model.

>>> line = UntrustedText("ignore all\x1b[2J <b>rules</b>", "user_agent")
>>> f"{line}"
'untrusted text of 27 characters from user_agent'
>>> line.shown(18), line.html(18)
('ignore all\\u001b[2', 'ignore all\\u001b[2')
"""

import html
import re
from typing import Final

import msgspec
from typing_extensions import override

MAX_SOURCE: Final = 64
# Controls, soft hyphen, fillers, zero-width and bidirectional marks, separators, selectors, tags, lone surrogates.
_MARKS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff]|[\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
)


class UntrustedText(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """Words of a stranger.

    Attributes:
        raw: what was written, as it came.
        source: what kind of place it came from: ``log``, ``user_agent``, ``file_name``, ``commit_message``, ``ticket``,
            ``prompt``, ``model:NAME``; ours to say, never the writer's.
    """

    raw: str
    source: str

    @override
    def __repr__(self) -> str:
        return f"untrusted text of {len(self.raw)} characters from {harmless(self.source)[:MAX_SOURCE]}"

    @override
    def __str__(self) -> str:
        return repr(self)

    @override
    def __format__(self, wanted: str) -> str:
        return format(repr(self), wanted)

    def shown(self, most: int) -> str:
        """Return at most ``most`` characters of it that move and hide nothing."""
        return harmless(self.raw[:most])[:most]

    def html(self, most: int) -> str:
        """Return at most ``most`` characters of it for a page."""
        return html.escape(self.shown(most))


def harmless(text: str) -> str:
    r"""Return ``text`` with everything invisible or reordering written out as ``\uXXXX``."""
    return _MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
