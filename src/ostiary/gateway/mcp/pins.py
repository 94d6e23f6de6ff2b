"""What of a tool's definition was approved: all of it, by digest.

A description that changes after it was approved is how a server turns on its users (a "rug pull", OWASP MCP03).

>>> one = {"name": "add", "description": "adds", "inputSchema": {"type": "object"}}
>>> definition_digest(one) == definition_digest(dict(reversed(one.items())))
True
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.keys import sha256_hex

_sorted = msgspec.json.Encoder(order="sorted").encode


def definition_digest(tool: Mapping[str, Any]) -> str:
    """Return ``sha256:`` and the digest of a definition, whatever the order of its members."""
    return f"sha256:{sha256_hex(_sorted(tool))}"
