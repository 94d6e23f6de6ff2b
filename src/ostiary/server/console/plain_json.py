r"""JSON for people: indented, and what cannot be seen, or turns what follows, is written with its code.

>>> print(plain_json({"who": "good" + chr(0x202E) + "live"}))
{
  "who": "good\u202elive"
}
"""

import json
from typing import Any


def plain_json(value: Any) -> str:
    """Return ``value`` as JSON that reads the same to everybody; it parses back to the same."""
    return seen(json.dumps(value, indent=2, ensure_ascii=False))


def seen(text: str) -> str:
    """Return JSON text with every character that cannot be seen as its escape; line ends stay."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
