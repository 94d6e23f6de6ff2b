"""Looks at all texts of what a server says, beside the loop, and takes out what must not be told."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.gateway.mcp.ports import Redact, Seen
from ostiary.gateway.mcp.results import changed, texts_of
from ostiary.vocabulary.inspecting import Finding, Inspected, PromptInspector, Verdict, harshest
from ostiary.vocabulary.labels import Channel

STOPS: Final = frozenset({Verdict.BLOCK, Verdict.ASK})
# What only the server reads: it comes back as it is, and no model and no person sees it.
_OPAQUE: Final = frozenset({"requestState", "nextCursor"})
_MAX_RULES: Final = 32
_MAX_NAME: Final = 256


class Looking:
    """Inspector and redaction, together."""

    def __init__(self, inspector: PromptInspector, redact: Redact) -> None:
        """Look with these."""
        self._inspector = inspector
        self._redact = redact

    async def at(self, said: Any) -> Inspected:
        """Return what is to be thought of ``said``; one that is away calls nothing harmless."""
        try:
            text = "\n".join(texts_of(said))
            return await asyncio.to_thread(self._inspector.inspect, text, Channel.DATA)
        except UnavailableError as fault:
            return Inspected(Verdict.FLAG, findings=(Finding(f"inspection.{fault.code}", 0, 0),), available=False)
        except FaultyInputError as fault:
            return Inspected(Verdict.BLOCK, 1.0, (Finding(f"inspection.{fault.code}", 0, 0),))

    async def available(self) -> bool:
        """Return whether all that inspects takes part now."""
        return (await self.at("")).available

    async def told(self, said: dict[str, Any]) -> tuple[dict[str, Any], tuple[Finding, ...]]:
        """Return ``said`` without what must not be told, and what that was."""
        return await asyncio.to_thread(self._told, said)

    def _told(self, said: dict[str, Any]) -> tuple[dict[str, Any], tuple[Finding, ...]]:
        found: list[Finding] = []

        def change(text: str) -> str:
            released, findings = self._redact(text)
            found.extend(findings)
            return released

        return dict(_members(said, change)), tuple(found)


def _members(said: Mapping[str, Any], change: Any) -> Iterator[tuple[str, Any]]:
    # The whole goes through at once, so that a blob is seen beside what makes it one.
    told = changed({name: one for name, one in said.items() if name not in _OPAQUE}, change)
    yield from told.items()
    yield from ((name, one) for name, one in said.items() if name in _OPAQUE)


def with_findings(seen: Inspected, found: tuple[Finding, ...]) -> Inspected:
    """Return what was seen together with what was taken out."""
    verdict = harshest((seen.verdict, *([Verdict.REDACT] if found else [])))
    return msgspec.structs.replace(seen, verdict=verdict, findings=(*seen.findings, *found))


def size(said: Any) -> int:
    """Return how many characters the texts of ``said`` have; -1 where they are too many to be counted."""
    try:
        return sum(map(len, texts_of(said)))
    except FaultyInputError:
        return -1


def seen_in(method: str, name: str, decision_id: str, seen: Inspected, *, withheld: bool, characters: int = 0) -> Seen:
    """Return the record of what was seen."""
    rules = tuple(sorted({finding.rule for finding in seen.findings}))[:_MAX_RULES]
    return Seen(method, name[:_MAX_NAME], decision_id, seen.verdict, rules, withheld, characters, seen.available)
