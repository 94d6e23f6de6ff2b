"""Language models that are none, for tests and demonstrations, named as what they are.

- ``FakeExtractiveModel`` quotes the lines it was given: offline, deterministic, of no judgement.
- ``FakeGullibleModel`` does whatever a line tells it to: the worst model that a case could be shown to.
- ``FakeScriptedModel`` says what a test wants it to say.
"""

import json
import re
from typing import Final

_LINE: Final = re.compile(r"^\| (.*)$", re.MULTILINE)
_SHOWN: Final = 3
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
