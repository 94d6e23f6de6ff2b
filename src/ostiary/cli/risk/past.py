"""Which history a model learns from, and who answers for its rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import err
from ostiary.cli.places import check_living, open_data
from ostiary.cli.risk.shared import check, reader_of
from ostiary.vocabulary.events import AccessEvent

if TYPE_CHECKING:
    from ostiary.risk.source import Source
    from ostiary.risk.training.sources import Cut

SIGNED: Final = "imported history"
OWN_WORD: Final = "operator-supplied file"
_NS: Final = 1_000_000_000


@Parameter(name="*")
@dataclass(frozen=True)
class Trust:
    """Whose rows are learned from, and how far one source may reach."""

    only_proven: Annotated[
        bool, Parameter(negative="", help="Leave rows of the history out that came in no signed batch.")
    ] = False
    partitions: Annotated[
        int, Parameter(help="So many forests of disjoint groups of sources vote beside the model; 0 for none.")
    ] = 0
    sources: Annotated[
        Literal["account", "producer"], Parameter(help="What a source is: one of 60 groups of accounts, or a producer.")
    ] = "account"
    vote_only: Annotated[
        bool,
        Parameter(negative="", help="The vote stands alone: what is flagged is certified, and less is caught."),
    ] = False
    leave_out: Annotated[
        tuple[int, ...], Parameter(help="Numbers of sources that are not learned from; `audit-sources` names them.")
    ] = ()
    capped: Annotated[bool, Parameter(negative="", help="Cap what a source and a subject may weigh.")] = False


BELIEVING: Final = Trust()


class Past(msgspec.Struct, frozen=True):
    """A history to learn from.

    Attributes:
        events: in the order of the file.
        producers: who told of each, empty for a file that an operator answers for.
        source: what the card says of it.
    """

    events: list[AccessEvent]
    producers: list[str]
    source: "Source"


def past_of(
    events: Path | None, mapping: str, data: Path | None, tenant: str, until: float | None, trust: Trust
) -> Past:
    """Return what is learned from: a file on somebody's word, else what came in signed batches.

    Raises:
        RefusedError: ``provenance_missing``.
    """
    check(not (events and (trust.only_proven or trust.sources == "producer")), "a file of your own has no producers")
    check(bool(events) or not mapping, "--mapping goes with --events")
    if events:
        return own_word(events, mapping, tenant, until)
    return signed_history(data, tenant, until, only_proven=trust.only_proven)


def own_word(path: Path, mapping: str, tenant: str, until: float | None) -> Past:
    """Read a file that whoever runs the command answers for; that is said on stderr and in the card."""
    reader = reader_of(path, mapping, tenant)
    events = [event for event in reader if _before(event, until)]
    err.print(f"nobody signed the rows of `{path}`: they train on your word, and the card says so", markup=False)
    source = msgspec.structs.replace(reader.source(OWN_WORD), provenance="an operator's own word, signed by nobody")
    return Past(events, [], source)


def signed_history(data: Path | None, tenant: str, until: float | None, *, only_proven: bool) -> Past:
    """Read the tenant's history, of which every row came in a signed batch.

    Raises:
        RefusedError: ``provenance_missing``.
    """
    from ostiary.risk.source import Producer, Source  # noqa: PLC0415 - as the risk verbs do
    from ostiary.server.batches import proven_history  # noqa: PLC0415

    with open_data(data) as house:
        check_living(house, tenant)
        proven = proven_history(house, tenant, only_proven=only_proven)
    if proven.left_out:
        err.print(f"{proven.left_out:,} rows are left out: unsigned, or of a distrusted producer", markup=False)
    kept = [place for place, event in enumerate(proven.events) if _before(event, until)]
    events = [proven.events[place] for place in kept]
    times = [event.time_ns for event in events] or [0]
    producers = tuple(Producer(one.producer, one.rows, one.batches) for one in proven.sources)
    names = ", ".join(f"{one.producer} ({one.rows:,} rows in {one.batches:,} batches)" for one in producers)
    source = Source(
        origin=SIGNED,
        sha256=proven.sha256,
        events=len(proven.events),
        rejected=proven.left_out,
        first_ns=min(times),
        last_ns=max(times),
        mapping="ostiary",
        provenance=f"signed batches of {names or 'nobody'}; batches {proven.batches}",
        producers=producers,
        batches=proven.batches,
    )
    return Past(events, [proven.producers[place] for place in kept], source)


def cut_of(trust: Trust, past: Past) -> "Cut":
    """Return how sources are kept apart.

    Raises:
        FaultyInputError: ``option_invalid``.
    """
    from ostiary.risk.training.sources import SOURCES, Cut  # noqa: PLC0415

    count = max(len(set(past.producers)), 1) if trust.sources == "producer" else max(SOURCES, trust.partitions)
    check(bool(trust.partitions) or not trust.vote_only, "--vote-only goes with --partitions")
    made = Cut(count, trust.partitions, trust.sources, trust.leave_out, trust.vote_only)
    return made.check() if trust.partitions else made


def _before(event: AccessEvent, until: float | None) -> bool:
    return until is None or event.time_ns < int(until * _NS)
