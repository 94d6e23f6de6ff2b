"""What the risk verbs share: their common options, opening events and models, telling progress.

- Answers go to stdout, progress and rejected records to stderr.
- A model is verified before it is used.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from cyclopts import Parameter

from ostiary.artifacts import VerifiedArtifact, verify_artifact
from ostiary.cli.output import err
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.keys import KeyRing
from ostiary.server.places import Places
from ostiary.server.wiring import trusted_model_keys
from ostiary.signals import features
from ostiary.signals.settled import Book, book_of
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.ids import check_tenant

if TYPE_CHECKING:
    from ostiary.risk.model import RiskModel
    from ostiary.risk.reading import EventReader
    from ostiary.signals.importing import Rejected

_SHOWN: Final = 20
_TELL_EVERY: Final = 50_000
_NS: Final = 1_000_000_000
_CHUNK: Final = 256

Data = Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")]
Tenant = Annotated[str, Parameter(help="Tenant.")]
MappingName = Annotated[
    str,
    Parameter(
        name="--mapping", help="Name of a format or mapping, or a mapping's YAML file; without it, our own JSON lines."
    ),
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Machine-readable output.")]
Model = Annotated[Path | None, Parameter(help="Folder of the model. Default: the tenant's installed one.")]


def need_extra() -> None:
    """Say which command mends a missing extra."""
    try:
        import lightgbm  # noqa: F401, PLC0415
        import sklearn  # noqa: F401, PLC0415
    except ImportError as fault:
        text = "training and measuring need the risk extra: pip install 'ostiary[risk]'"
        raise UnavailableError("risk_extra_missing", text) from fault


def check(fine: bool, text: str) -> None:  # noqa: FBT001 - a condition and what to say when it fails
    """Refuse an option that does not hold.

    Raises:
        FaultyInputError: ``option_invalid``.
    """
    if not fine:
        raise FaultyInputError("option_invalid", text)


def reader_of(path: Path, mapping: str, tenant: str) -> "EventReader":
    """Return the reader of a file of events; the first rejected records are told on stderr."""
    from ostiary.risk.reading import EventReader  # noqa: PLC0415

    shown = 0

    def tell(rejected: "Rejected") -> None:
        nonlocal shown
        shown += 1
        if shown <= _SHOWN:
            err.print(f"{path}:{rejected.line}: {rejected.code}: {rejected.text}", markup=False)

    return EventReader(path, mapping, check_tenant(tenant), tell)


def before(reader: Iterable[AccessEvent], until: float | None) -> list[AccessEvent]:
    """Return the events before a Unix time, all of them without one."""
    border = None if until is None else int(until * _NS)
    return [event for event in reader if border is None or event.time_ns < border]


def told(reader: "EventReader") -> Iterator[AccessEvent]:
    """Yield the events, telling on stderr how many there were."""
    for event in reader:
        yield event
        if reader.events % _TELL_EVERY == 0:
            err.print(f"{reader.events:,} events", markup=False)
    err.print(f"{reader.events:,} events, {reader.rejected:,} rejected", markup=False)


def verdict_numbers(labels: Path | None) -> dict[str, int]:
    """Return label by event id of a file of verdicts, empty without one."""
    from ostiary.risk.verdicts import read_verdicts  # noqa: PLC0415

    return {name: one.label for name, one in read_verdicts(labels).items()} if labels else {}


def verified_model(model: Path | None, places: Places, tenant: str) -> VerifiedArtifact:
    """Return the bytes of a model folder, verified against the tenant's trusted keys."""
    from ostiary.risk.schema import KIND  # noqa: PLC0415

    keys = trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), check_tenant(tenant))
    return verify_artifact(model or places.model(tenant), keys, kind=KIND)


def scorer_of(model: Path | None, places: Places, tenant: str) -> "RiskModel":
    """Return the scorer of a model folder, verified against the tenant's trusted keys."""
    from ostiary.risk.model import load_scorer  # noqa: PLC0415
    from ostiary.risk.reasons import plain_words  # noqa: PLC0415

    keys = trusted_model_keys(places, KeyRing(places.keys / "ring", SystemClock()), check_tenant(tenant))
    folder = model or places.model(tenant)
    return load_scorer(folder, keys, feature_set=features.SET_DIGEST, names=features.NAMES, words=plain_words)


def progress() -> Callable[[str, float], None]:
    """Return what tells progress on stderr, one line every tenth."""
    told: set[tuple[str, int]] = set()

    def tell(what: str, share: float) -> None:
        step = (what, int(share * 10))
        if step not in told:
            told.add(step)
            err.print(f"{what} {10 * step[1]} %", markup=False)

    return tell


def write_lines(lines: Iterable[msgspec.Struct]) -> int:
    """Write one JSON document a line, in chunks, and return how many."""
    encode, waiting, count = msgspec.json.Encoder().encode, bytearray(), 0
    for line in lines:
        waiting += encode(line) + b"\n"
        count += 1
        if count % _CHUNK == 0:
            sys.stdout.buffer.write(waiting)
            waiting.clear()
    sys.stdout.buffer.write(waiting)
    sys.stdout.buffer.flush()
    return count


def book_for(tenant: str, scorer: object) -> Book:
    """Return an empty book that learns as ``scorer`` wants it; one without a schema wants nothing."""
    schema = getattr(scorer, "schema", None)
    return book_of(tenant, 0.0 if schema is None else schema.settled_days)
