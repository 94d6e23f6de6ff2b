"""What a subject has read through MCP, over all servers: untrusted words of one are the arguments of another's calls.

- By tenant and subject, in memory, bounded. What is forgotten is remembered as having been untrusted: a full memory
  tightens.
- Texts are kept so that a value in a call can be found in them; they leave with their subject after ``IDLE_NS``.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.vocabulary.labels import Label, SessionLabel, join

IDLE_NS: Final = 3_600_000_000_000
MAX_SUBJECTS: Final = 4096
MAX_TEXTS: Final = 64
MAX_CHARS: Final = 400_000


class Heard(msgspec.Struct, frozen=True):
    """One result of a tool, a resource or a prompt."""

    tool: str
    text: str
    label: Label


class Remembered(msgspec.Struct, frozen=True):
    """What one subject has read: the label of all of it, and the latest texts."""

    label: SessionLabel
    heard: tuple[Heard, ...] = ()

    def messages(self) -> list[dict[str, Any]]:
        """Return the texts as a conversation that the judge of calls reads."""
        told: list[dict[str, Any]] = []
        for number, one in enumerate(self.heard):
            call = {"id": f"h{number}", "type": "function", "function": {"name": one.tool, "arguments": "{}"}}
            told.append({"role": "assistant", "content": None, "tool_calls": [call]})
            told.append({"role": "tool", "tool_call_id": f"h{number}", "content": one.text})
        return told


class McpMemory:
    """Remembers for all subjects; safe for several threads."""

    def __init__(self) -> None:
        """Remember nobody."""
        self._known: OrderedDict[tuple[str, str], tuple[int, Remembered]] = OrderedDict()
        self._forgot = False
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
            self._known[key] = (now_ns, Remembered(label, _latest((*before.heard, *heard))))
            self._known.move_to_end(key)
            if len(self._known) > MAX_SUBJECTS:
                self._known.popitem(last=False)
                self._forgot = True

    def forget_tenant(self, tenant: str) -> None:
        """Forget all subjects of a tenant."""
        with self._lock:
            for key in [key for key in self._known if key[0] == tenant]:
                del self._known[key]

    def _of(self, key: tuple[str, str], now_ns: int) -> Remembered:
        known = self._known.get(key)
        if known is not None and now_ns - known[0] < IDLE_NS:
            return known[1]
        self._known.pop(key, None)
        # INVARIANT: whoever may have been forgotten for want of room has read something untrusted.
        return Remembered(SessionLabel(key[0], untrusted=self._forgot))


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
