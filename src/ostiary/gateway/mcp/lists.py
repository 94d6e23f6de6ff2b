"""A list of tools, prompts or resources that a server offers: what tries something is not offered on.

- A tool whose definition is another than the approved one is kept back, and may not be called either.
- Words of several entries are looked at together first; only if they try something, each alone. Where they do so only
  together, nothing of the list goes on.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.gateway.mcp.bounds import MAX_TOOLS, Definitions
from ostiary.gateway.mcp.looking import STOPS, Looking, seen_in, with_findings
from ostiary.gateway.mcp.ports import Pins, Side
from ostiary.vocabulary.inspecting import Inspected, harshest

ENTRIES: Final = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "tools/list": "tools",
}


class Lists:
    """Judges lists."""

    def __init__(self, looking: Looking, pins: Pins, definitions: Definitions) -> None:
        """Judge with these."""
        self._looking = looking
        self._pins = pins
        self._definitions = definitions

    async def judged(self, side: Side, method: str, result: Mapping[str, Any], decision_id: str) -> dict[str, Any]:
        """Return the list with what may be offered.

        Raises:
            FaultyInputError: ``mcp_message_too_large``: it offers too many.
        """
        member = ENTRIES[method]
        given = result.get(member)
        entries = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
        if len(entries) > MAX_TOOLS:
            raise FaultyInputError("mcp_message_too_large", f"a list has at most {MAX_TOOLS} entries")
        rest = {name: one for name, one in result.items() if name != member}
        whole = await self._looking.at([rest, entries])
        stopped = whole.verdict in STOPS
        looks = [await self._looking.at(one) if stopped else whole for one in entries]
        bad = [stopped and look.verdict in STOPS for look in looks]
        if stopped and not any(bad):
            rest, bad = {}, [True] * len(entries)
        kept = [
            one
            for one, tries in zip(entries, bad, strict=True)
            if self._offered(side, one, tries=tries, tool=method == "tools/list")
        ]
        told, found = await self._looking.told({**rest, member: kept})
        seen = with_findings(_joined([whole, *looks]), found)
        if len(kept) < len(entries) or found or stopped:
            await side.tell(seen_in(method, "", decision_id, seen, withheld=len(kept) < len(entries)))
        return told

    def _offered(self, side: Side, one: dict[str, Any], *, tries: bool, tool: bool) -> bool:
        if not tool:
            return not tries
        state = "changed" if tries else self._pins.state(side.tenant, side.server, one)
        name = one.get("name")
        if isinstance(name, str):
            self._definitions.put(side.tenant, side.server, f"{side.server}/{name}", state)
        return state != "changed" and isinstance(name, str)


def _joined(looks: list[Inspected]) -> Inspected:
    return msgspec.structs.replace(
        looks[0],
        verdict=harshest(one.verdict for one in looks),
        findings=tuple(finding for one in looks for finding in one.findings),
    )
