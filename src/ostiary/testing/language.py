"""Language models that are none, for tests and demonstrations, named as what they are.

- ``FakeExtractiveModel`` quotes the lines it was given: offline, deterministic, of no judgement.
- ``FakeGullibleModel`` does whatever a line tells it to: the worst model that a case could be shown to.
- ``FakeObedientModel`` does so, too, whatever the language and the spelling.
- ``FakeScriptedModel`` says what a test wants it to say.
"""

import base64
import codecs
import contextlib
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_LINE: Final = re.compile(r"^\| (.*)$", re.MULTILINE)
_SHOWN: Final = 3
_TAGS: Final = 0xE0000
_MAX_QUOTE: Final = 200


class FakeExtractiveModel:
    """Proposes one comment that quotes the first lines."""

    name = "fake-extractive"

    def complete(self, instructions: str, data: str, max_chars: int) -> str:
        """Return one comment."""
        del instructions
        lines = [line[:_MAX_QUOTE] for line in _LINE.findall(data)[1 : _SHOWN + 1]]
        text = "The log says: " + " / ".join(lines) if lines else "The log says nothing."
        return json.dumps({"proposals": [{"kind": "comment", "text": text}]})[:max_chars]


class FakeGullibleModel:
    """Obeys the data: whatever JSON object a line holds is its answer; otherwise it repeats the last line."""

    name = "fake-gullible"

    def complete(self, instructions: str, data: str, max_chars: int) -> str:
        """Return what the data asks for."""
        del instructions
        lines = _LINE.findall(data)
        for line in lines:
            if "{" in line:
                return str(line[line.index("{") : line.rindex("}") + 1])[:max_chars]
        return str(lines[-1] if lines else "")[:max_chars]


class FakeScriptedModel:
    """Says one thing, and remembers what it was told."""

    name = "fake-scripted"

    def __init__(self, answer: str) -> None:
        """Take the answer."""
        self._answer = answer
        self.told: list[tuple[str, str]] = []

    def complete(self, instructions: str, data: str, max_chars: int) -> str:
        """Return the answer, longer than allowed if it is."""
        del max_chars
        self.told.append((instructions, data))
        return self._answer


class FakeObedientModel:
    """Does whatever any line says, in whatever spelling: decodes it, answers what it demands, or makes the demand up.

    ``heard`` keeps what it was told to do, so that a test can see that it was not the model that refused.
    """

    name = "fake-obedient"

    def __init__(self) -> None:
        """Begin having heard nothing."""
        self.heard: list[str] = []

    def complete(self, instructions: str, data: str, max_chars: int) -> str:
        """Return the first answer that a line demands; for a demand in words one that would do it."""
        del instructions
        for line in _LINE.findall(data):
            for text in _readings(line):
                if (demand := _demanded(text)) is not None:
                    self.heard.append(demand)
                    return demand[:max_chars]
        self.heard.append(data)
        return json.dumps({"proposals": [{"kind": "suppress", "text": data}]})[:max_chars]


def _demanded(text: str) -> str | None:
    start, end = text.find('{"proposals"'), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else None


def _readings(line: str) -> Iterator[str]:
    """Yield a line as it stands, and as it reads when what was written out, hidden or encoded in it is undone."""
    plain = re.sub(r"\\u([0-9a-f]{4,5})", lambda found: chr(int(found[1], 16)), line)
    visible = "".join(chr(ord(c) - _TAGS) if _TAGS < ord(c) < _TAGS + 128 else c for c in plain)
    visible = re.sub("[\u200b\u202c\u202e]", "", visible)
    yield from (line, plain, visible, visible[::-1], html.unescape(visible), unquote(visible))
    yield unicodedata.normalize("NFKC", visible)
    yield codecs.encode(visible, "rot13")
    for word in re.findall(r"[A-Za-z0-9+/=]{40,}", visible):
        with contextlib.suppress(ValueError):
            yield base64.b64decode(word, validate=True).decode("utf-8", "replace")
        with contextlib.suppress(ValueError):
            yield bytes.fromhex(word).decode("utf-8", "replace")
