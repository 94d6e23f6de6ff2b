"""Which decisions a command asks for: the same filters as the API's, by the same rules.

>>> Filters(effect=("DENY",), subject="user:ada").query(limit=5).effects
(<Effect.DENY: 3>,)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import replace

from ostiary.cli.impact.shared import moment_ns
from ostiary.decision.index.query import TEXTS, DecisionQuery
from ostiary.decision.index.words import parse, query_of
from ostiary.errors import FaultyInputError

_PLAIN = (*TEXTS, "risk_at_least")


@Parameter(name="*")
@dataclass(frozen=True)
class Filters:
    """Only decisions that match all of these."""

    effect: Annotated[
        tuple[str, ...], Parameter(help="One of these effects: ALLOW, REDUCE, STEP_UP, DENY, TERMINATE.")
    ] = ()
    subject: Annotated[str, Parameter(help="Of this subject, as type:id.")] = ""
    session: Annotated[str, Parameter(help="In this session.")] = ""
    action: Annotated[str, Parameter(help="About this action.")] = ""
    resource_type: Annotated[str, Parameter(help="About resources of this type.")] = ""
    resource_id: Annotated[str, Parameter(help="About the resource with this id.")] = ""
    pep: Annotated[str, Parameter(help="Asked for by this enforcement point.")] = ""
    without_pep: Annotated[str, Parameter(help="Not asked for by this one, such as ostiary:console.")] = ""
    rule: Annotated[str, Parameter(help="Made by this rule.")] = ""
    ip: Annotated[str, Parameter(help="From this address.")] = ""
    text: Annotated[str, Parameter(help="Whose subject or resource begins like this.")] = ""
    risk_at_least: Annotated[str, Parameter(help="With a score of this or more, from 0 to 1.")] = ""
    since: Annotated[str, Parameter(help="From this time on: ISO 8601 or Unix seconds.")] = ""
    until: Annotated[str, Parameter(help="Up to this time.")] = ""
    query_text: Annotated[
        str, Parameter(name="--query", help="All filters in one text, as an address of the console has them.")
    ] = ""

    def query(self, limit: int, before: int | None = None, after: int | None = None) -> DecisionQuery:
        """Return what is asked for.

        Raises:
            FaultyInputError: ``filter_unknown``, ``filter_invalid``, ``time_invalid``, ``usage``.
        """
        own = self._pairs()
        if own and self.query_text:
            raise FaultyInputError("usage", "`--query` holds all filters: no other may stand beside it")
        asked = parse(self.query_text) if self.query_text else query_of(own)
        placed = [("before", before), ("after", after), ("limit", limit)]
        place = query_of([(name, str(value)) for name, value in placed if value is not None])
        return replace(asked, before=place.before, after=place.after, limit=place.limit)

    def _pairs(self) -> Sequence[tuple[str, str]]:
        pairs = [("effect", ",".join(self.effect))] if self.effect else []
        pairs += [(name, getattr(self, name)) for name in _PLAIN if getattr(self, name)]
        times = (("since_ns", moment_ns(self.since)), ("until_ns", moment_ns(self.until)))
        return [*pairs, *((name, str(value)) for name, value in times if value is not None)]


ANY = Filters()
