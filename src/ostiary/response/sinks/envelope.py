r"""A letter as a CloudEvents 1.0 document, and text that cannot forge a line wherever it is written.

Rules:

- The body is JSON in ASCII: every control character, line separator and mark that reorders text is an escape.
- ``id`` is the letter's, the same at every try; ``sequence`` is its number (extension *sequence*, as a text).

>>> ascii_json({"text": "a\u2028b\u202e\x7f"})
b'{"text":"a\\u2028b\\u202e\\u007f"}'
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from ostiary.response.outbox import Letter

TYPE: Final = "dev.ostiary.response.v1"
CONTENT_TYPE: Final = "application/cloudevents+json"
_NS: Final = 1_000_000_000


def cloud_event(letter: Letter, source: str) -> bytes:
    """Return the structured-mode body of a letter (CloudEvents 1.0 §3, JSON format)."""
    return ascii_json(
        {
            "specversion": "1.0",
            "id": letter.letter_id,
            "source": source,
            "type": TYPE,
            "subject": letter.kind,
            "time": rfc3339(letter.time_ns),
            "datacontenttype": "application/json",
            "sequence": str(letter.sequence),
            "sink": letter.sink,
            "data": {"tenant": letter.tenant, "kind": letter.kind, "text": letter.text, "facts": letter.facts},
        }
    )


def ascii_json(value: Any) -> bytes:
    """Return JSON in which every character is printable ASCII."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).replace("\x7f", "\\u007f").encode()


def rfc3339(time_ns: int) -> str:
    """Return a moment as RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(time_ns // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{time_ns % _NS // 1_000_000:03d}Z"
