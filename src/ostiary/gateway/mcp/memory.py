"""What a subject has read through MCP, over all servers: untrusted words of one are the arguments of another's calls.

- By tenant and subject, in memory, bounded. What is forgotten is remembered as having been untrusted: a full memory
  tightens.
- Texts are kept so that a value in a call can be found in them; they leave after ``IDLE_NS``, their label much later:
  whoever waits an hour has not unread anything. A value that is in no text is one that nobody explained.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from ostiary.vocabulary.inspecting import Verdict, harshest
from ostiary.vocabulary.labels import Label, SessionLabel, join

IDLE_NS: Final = 3_600_000_000_000
LABEL_NS: Final = 12 * IDLE_NS
MAX_SUBJECTS: Final = 4096
MAX_TEXTS: Final = 64
MAX_CHARS: Final = 400_000
MAX_ALL_CHARS: Final = 64_000_000


class Heard(msgspec.Struct, frozen=True):
    """One result of a tool, a resource or a prompt."""

    tool: str
    text: str
    label: Label
    verdict: Verdict = Verdict.PASS
    available: bool = True


class Remembered(msgspec.Struct, frozen=True):
    """What one subject has read: the label and the verdict of all of it, and the latest texts."""

    label: SessionLabel
    heard: tuple[Heard, ...] = ()
    verdict: Verdict = Verdict.PASS
    available: bool = True

    def messages(self) -> list[dict[str, Any]]:
        """Return the texts as a conversation that the judge of calls reads."""
        told: list[dict[str, Any]] = []
        for number, one in enumerate(self.heard):
            call = {"id": f"h{number}", "type": "function", "function": {"name": one.tool, "arguments": "{}"}}
            told.append({"role": "assistant", "content": None, "tool_calls": [call]})
            told.append({"role": "tool", "tool_call_id": f"h{number}", "content": one.text})
        return told

    def labels(self) -> dict[int, Label]:
        """Return what is known of each text, by the number of its message: more than the tool's name says."""
        return {2 * number + 1: one.label for number, one in enumerate(self.heard)}


class McpMemory:
    """Remembers for all subjects; safe for several threads."""

    def __init__(self) -> None:
        """Remember nobody."""
        self._known: OrderedDict[tuple[str, str], tuple[int, Remembered]] = OrderedDict()
        self._forgot: set[str] = set()
        self._chars = 0
        self._lock = threading.Lock()

    def of(self, tenant: str, subject: str, now_ns: int) -> Remembered:
        """Return what a subject has read."""
        with self._lock:
            return self._of((tenant, subject), now_ns)

    def hear(self, tenant: str, subject: str, heard: Sequence[Heard], now_ns: int) -> None:
        """Add what came back."""
        with self._lock:
            key = (tenant, subject)
            before = self._of(key, now_ns)
            label = join(tenant, (one.label for one in heard), before.label)
            verdict = harshest((before.verdict, *(one.verdict for one in heard)))
            available = before.available and all(one.available for one in heard)
            self._put(key, now_ns, Remembered(label, _latest((*before.heard, *heard)), verdict, available))
            while len(self._known) > MAX_SUBJECTS:
                self._forgot.add(next(iter(self._known))[0])
                self._drop(next(iter(self._known)))
            self._make_room()

    def keep_only(self, tenants: Collection[str]) -> None:
        """Forget all subjects of every other tenant: those that were deleted leave nothing here."""
        with self._lock:
            for key in [key for key in self._known if key[0] not in tenants]:
                self._drop(key)
            self._forgot &= set(tenants)

    def _of(self, key: tuple[str, str], now_ns: int) -> Remembered:
        known = self._known.get(key)
        if known is not None and now_ns - known[0] < IDLE_NS:
            return known[1]
        if known is not None and now_ns - known[0] < LABEL_NS:
            return msgspec.structs.replace(known[1], heard=())
        self._drop(key)
        # INVARIANT: whoever may have been forgotten for want of room has read something untrusted.
        return Remembered(SessionLabel(key[0], untrusted=key[0] in self._forgot))

    def _put(self, key: tuple[str, str], now_ns: int, remembered: Remembered) -> None:
        self._drop(key)
        self._known[key] = (now_ns, remembered)
        self._chars += _chars(remembered)

    def _drop(self, key: tuple[str, str]) -> None:
        known = self._known.pop(key, None)
        self._chars -= 0 if known is None else _chars(known[1])

    def _make_room(self) -> None:
        """Drop the texts of those who have heard nothing for longest; their labels stay."""
        for key in list(self._known) if self._chars > MAX_ALL_CHARS else ():
            heard_ns, remembered = self._known[key]
            self._chars -= _chars(remembered)
            self._known[key] = (heard_ns, msgspec.structs.replace(remembered, heard=()))
            if self._chars <= MAX_ALL_CHARS:
                return


def _chars(remembered: Remembered) -> int:
    return sum(len(one.text) for one in remembered.heard)


def _latest(heard: tuple[Heard, ...]) -> tuple[Heard, ...]:
    kept: list[Heard] = []
    room = MAX_CHARS
    for one in reversed(heard[-MAX_TEXTS:]):
        text = one.text[:room]
        if not text:
            break
        kept.append(msgspec.structs.replace(one, text=text))
        room -= len(text)
    return tuple(reversed(kept))
