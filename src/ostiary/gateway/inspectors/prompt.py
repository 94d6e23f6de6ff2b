"""Looks at every text of a request by the channel it came in, once: what was seen is remembered by its digest.

- Operators' texts are never judged as users' (they give orders, and should): only their digest is noted.
- The parts of one content are looked at one by one, and as the one text that the model reads.
- Short texts around the messages (names, descriptions, schemas) are looked at together, for each place they stand in.
- What is remembered belongs to one tenant: nobody learns from the time it takes what another tenant has asked.
- A detector that is away is no verdict: policy hears that it was not available.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from typing_extensions import override

from ostiary.errors import UnavailableError
from ostiary.gateway.inspectors.turn import PASS, Action, Ask, Block, Quiet, Redact, Seen, Turn
from ostiary.keys.hashing import sha256_hex
from ostiary.vocabulary.inspecting import Inspected, PromptInspector, Verdict, harshest
from ostiary.vocabulary.labels import Channel

SHORT: Final = 200
MAX_KEPT: Final = 16_384
MAX_NOTED: Final = 64
CODE: Final = "prompt_inspection"
_PART: Final = re.compile(r"((?:messages|input)\[\d+\]\.(?:content|output))\[\d+\]\.(?:text|refusal)\Z")


class TextInspector(Quiet):
    """Asks a ``PromptInspector``; safe for several threads."""

    def __init__(self, inspector: PromptInspector, max_kept: int = MAX_KEPT) -> None:
        """Ask ``inspector``; remember what it said of ``max_kept`` texts."""
        self._inspector = inspector
        self._max = max_kept
        self._kept: OrderedDict[tuple[str, str, str], Inspected] = OrderedDict()
        self._lock = threading.Lock()

    @override
    def on_prompt(self, turn: Turn) -> Action:
        """Look at all texts.

        Raises:
            FaultyInputError: a text is too long to be looked at.
        """
        seen: list[Seen] = []
        for place, channel, text in _grouped(turn):
            digest = sha256_hex(text.encode())
            said = self._said(turn, channel, digest, text)
            seen.append(Seen(place, f"sha256:{digest}", channel.value, said.verdict, said.score, said.findings))
        verdict = harshest(one.verdict for one in seen)
        turn.seen = sorted(seen, key=lambda one: -one.score)[:MAX_NOTED]
        if verdict is Verdict.BLOCK:
            return Block(CODE)
        if verdict is Verdict.ASK:
            return Ask(CODE)
        return Redact("") if verdict is Verdict.REDACT else PASS

    def _said(self, turn: Turn, channel: Channel, digest: str, text: str) -> Inspected:
        if channel is Channel.OPERATOR:
            return Inspected(Verdict.PASS, digest=f"sha256:{digest}")
        name = (turn.tenant, channel.value, digest)
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._kept.move_to_end(name)
                return kept
        try:
            said = self._inspector.inspect(text, channel)
        except UnavailableError:
            turn.available = False
            return Inspected(Verdict.PASS, digest=f"sha256:{digest}")
        if not said.available:  # rules alone spoke: that counts, and is not remembered as the whole verdict
            turn.available = False
            return said
        with self._lock:
            self._kept[name] = said
            if len(self._kept) > self._max:
                self._kept.popitem(last=False)
        return said


def _grouped(turn: Turn) -> Iterator[tuple[str, Channel, str]]:
    """Yield what is looked at: long texts and contents alone, the rest of a place together."""
    around: dict[tuple[str, Channel], list[str]] = {}
    parts: dict[tuple[str, Channel], list[str]] = {}
    for piece in turn.asked.pieces:
        channel = piece.label.channel
        if not piece.text:
            continue
        if len(piece.text) > SHORT or "content" in piece.place or "." not in piece.place:
            yield piece.place, channel, piece.text
            if (part := _PART.match(piece.place)) is not None:
                parts.setdefault((part[1], channel), []).append(piece.text)
        else:
            around.setdefault((piece.place.partition(".")[0], channel), []).append(piece.text)
    for (place, channel), texts in parts.items():
        if len(texts) > 1:
            yield place, channel, "".join(texts)
    for (place, channel), texts in around.items():
        yield place, channel, "\n".join(texts)
