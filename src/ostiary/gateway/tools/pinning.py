"""Tools as they were approved: the digest of what a server says of each, so that a change is seen before it is used.

- The digest is SHA-256 over the whole description of a tool, schema and words, in one form (RFC 8785): a model obeys
  the words as much as the schema.
- What was approved stays approved until it changes; then its calls are refused (``tool-changed``) until somebody
  approves it anew. A tool that came new is ``unpinned``: what policy thinks of it says the manifest.
- A pin belongs to one tenant and one server: another server's tool of the same name is another tool.

>>> digest_of({"name": "send", "inputSchema": {}}) == digest_of({"inputSchema": {}, "name": "send"})
True
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.keys import sha256_hex

KIND: Final = "tool-pin"
MAX_BYTES: Final = 262_144
MAX_TOOLS: Final = 4_096
MAX_NAME: Final = 256


class PinStore(Protocol):
    """Keeps opaque bytes by tenant, kind and name; what another tenant keeps is not there."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        """Erase one; return whether it was there."""
        ...


class Pin(msgspec.Struct, frozen=True):
    """One approval: of what, by whom, when."""

    digest: str
    by: str
    at_ns: int


class Pins:
    """What was approved, by tenant, server and tool."""

    def __init__(self, store: PinStore) -> None:
        """Keep it in ``store``."""
        self._store = store

    def find(self, tenant: str, server: str, tool: str) -> Pin | None:
        """Return the approval of a tool."""
        data = self._store.load(tenant, KIND, _name(server, tool))
        return None if data is None else msgspec.json.decode(data, type=Pin)

    def approve(self, tenant: str, server: str, tool: Mapping[str, Any], by: str, now_ns: int) -> Pin:
        """Approve a tool as it is described now; whoever calls this has recorded it.

        Raises:
            FaultyInputError: ``tool_invalid``.
        """
        pin = Pin(digest_of(tool), by, now_ns)
        self._store.save(tenant, KIND, _name(server, tool["name"]), msgspec.json.encode(pin), now_ns)
        return pin

    def revoke(self, tenant: str, server: str, tool: str) -> bool:
        """Take an approval back; return whether there was one."""
        return self._store.delete(tenant, KIND, _name(server, tool))

    def look(self, tenant: str, server: str, tools: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return for each tool that a server lists whether it is ``pinned``, ``changed`` or ``unpinned``.

        Raises:
            FaultyInputError: ``tool_invalid``: one has no name, two have one name, there are too many.
        """
        digests = {name_of(tool): digest_of(tool) for tool in tools[: MAX_TOOLS + 1]}
        if len(digests) != len(tools):
            raise FaultyInputError("tool_invalid", "two tools of a server have one name, or there are too many")
        return {name: self._state(tenant, server, name, digest) for name, digest in digests.items()}

    def _state(self, tenant: str, server: str, name: str, digest: str) -> str:
        pin = self.find(tenant, server, name)
        if pin is None:
            return "unpinned"
        return "pinned" if pin.digest == digest else "changed"


def digest_of(tool: Mapping[str, Any]) -> str:
    """Return the digest of a tool as it is described.

    Raises:
        FaultyInputError: ``tool_invalid``: it has no name, is too large, or is no JSON.
    """
    import rfc8785  # noqa: PLC0415 - of the extra `gateway`

    name_of(tool)
    try:
        text = rfc8785.dumps(dict(tool))
    except (rfc8785.CanonicalizationError, RecursionError, TypeError) as fault:
        raise FaultyInputError("tool_invalid", "the description of a tool is no JSON") from fault
    if len(text) > MAX_BYTES:
        raise FaultyInputError("tool_invalid", f"the description of a tool has more than {MAX_BYTES} bytes")
    return f"sha256:{sha256_hex(text)}"


def name_of(tool: Mapping[str, Any]) -> str:
    """Return the name of a tool.

    Raises:
        FaultyInputError: ``tool_invalid``.
    """
    name = tool.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        raise FaultyInputError("tool_invalid", f"a tool needs a name of 1 to {MAX_NAME} characters")
    return name


def _name(server: str, tool: str) -> str:
    # Lengths come first, so that no server's name can reach into another's tools.
    return f"{len(server)}:{server}:{tool}"
