"""Golden attacks and canaries: what a new model must still catch, frozen.

- An attack is frozen as the feature rows that its accesses had, by the names of their columns, in single floats
  (``rows.json`` is their bytes in base64: an artefact holds formats that run nothing). A
  later catalogue reads the columns that it still has; what it does not have is missing, and how many is told.
- The *floor* is the share of attacks that the model at freezing caught, less a tolerance; an attack is caught when one
  of its accesses reaches the step-up threshold.
- *Canaries* are attacks that the model at freezing was sure about. Each of them must be caught: a poison that pardons
  one technique shows here even where the share hides it.
- Frozen, so that a model that was spoilt since cannot spoil what it is judged by. Kept signed, and its digest beside
  it in the store: taking the folder away is noticed.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.signals.features import NAMES, extract
from ostiary.signals.settled import book_of
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

KIND: Final = "golden-attacks"
GOLDEN_FILE: Final = "golden.json"
ROWS_FILE: Final = "rows.json"
TOLERANCE: Final = 0.02
MOST_ROWS: Final = 4_000
MOST_CANARIES: Final = 50
_FLOAT: Final = 4
_SURE: Final = "high"
_FLAGGED: Final = frozenset({"medium", "high"})


class Judging(Protocol):
    """What scores an access."""

    @property
    def digest(self) -> str:
        """Digest of the model artefact."""
        ...

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the score of ``features``."""
        ...


class GoldenAttack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attack: its name, technique, whose accesses it bears, and which rows are its."""

    name: str
    kind: str
    subject_type: str
    rows: tuple[int, ...]
    canary: bool = False


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``golden.json`` says.

    Attributes:
        columns: names of the columns of the rows, in order.
        attacks: all of them.
        floor: share of them that must be caught.
        model: digest of the model that froze them.
    """

    columns: tuple[str, ...]
    attacks: tuple[GoldenAttack, ...]
    floor: float
    model: str


class Judged(msgspec.Struct, frozen=True):
    """How a model does on golden attacks.

    Attributes:
        attacks, caught: how many.
        share, floor: of the attacks, and what is wanted.
        missed_canaries: names of those that must be caught and are not.
        unknown_columns: columns of the rows that the catalogue in use does not have.
    """

    attacks: int
    caught: int
    share: float
    floor: float
    missed_canaries: tuple[str, ...]
    unknown_columns: int

    @property
    def passed(self) -> bool:
        """Whether the model may serve."""
        return self.share >= self.floor and not self.missed_canaries


class Frozen(msgspec.Struct, frozen=True):
    """Golden attacks with their rows."""

    golden: Golden
    rows: bytes

    def row(self, number: int, names: Sequence[str] = NAMES) -> list[float]:
        """Return one row in the order of ``names``; what it does not have is missing."""
        width = len(self.golden.columns)
        whole = memoryview(self.rows).cast("f")
        told = dict(zip(self.golden.columns, whole[number * width : (number + 1) * width], strict=True))
        return [told.get(name, float("nan")) for name in names]

    def files(self) -> dict[str, bytes]:
        """Return what is signed and kept."""
        told = msgspec.json.format(msgspec.json.encode(self.golden), indent=1) + b"\n"
        return {GOLDEN_FILE: told, ROWS_FILE: msgspec.json.encode(self.rows)}


def freeze(
    events: Iterable[AccessEvent], attacks: Mapping[str, tuple[str, str]], model: Judging, settled_days: float = 0.0
) -> Frozen:
    """Return the attacks in a history, frozen, with what ``model`` makes of them as floor and canaries.

    Args:
        events: the history, in the order of time, of one tenant.
        attacks: by event id, the name and the technique of the attack that it belongs to.
        model: what serves now.
        settled_days: how old a habit must be to count, in the profiles that the model is used with.

    Raises:
        FaultyInputError: ``golden_empty``.
    """
    rows, found, book = array("f"), dict[str, list[int]](), None
    facts: dict[str, AccessEvent] = {}
    sure: dict[str, float] = {}
    caught: set[str] = set()
    count = 0
    for event in events:
        book = book or book_of(event.tenant, settled_days)
        name, _ = attacks.get(event.event_id, ("", ""))
        if name and count < MOST_ROWS:
            row = array("f", extract(event, book.view(event)))
            risk = model.score(event, row)
            rows.extend(row)
            found.setdefault(name, []).append(count)
            facts.setdefault(name, event)
            count += 1
            if risk.level in _FLAGGED:
                caught.add(name)
            if risk.level == _SURE:
                sure[name] = max(sure.get(name, 0.0), risk.score or 0.0)
        book.learn(event)
    if not found:
        raise FaultyInputError("golden_empty", "there is no attack in these events: name verdicts that say which are")
    canaries = set(sorted(sure, key=lambda name: (-sure[name], name))[:MOST_CANARIES])
    told = tuple(
        GoldenAttack(name, attacks[facts[name].event_id][1], facts[name].subject_type, tuple(numbers), name in canaries)
        for name, numbers in sorted(found.items())
    )
    floor = max(0.0, round(len(caught) / len(found) - TOLERANCE, 6))
    return Frozen(Golden(NAMES, told, floor, model.digest), rows.tobytes())


def thaw(files: Mapping[str, bytes]) -> Frozen:
    """Read verified files.

    Raises:
        FaultyInputError: ``golden_malformed``.
    """
    try:
        golden, rows = (
            msgspec.json.decode(files[GOLDEN_FILE], type=Golden),
            msgspec.json.decode(files[ROWS_FILE], type=bytes),
        )
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError) as fault:
        raise FaultyInputError("golden_malformed", "the golden attacks cannot be read") from fault
    last = max((row for attack in golden.attacks for row in attack.rows), default=-1)
    first = min((row for attack in golden.attacks for row in attack.rows), default=0)
    if not golden.attacks or first < 0 or len(rows) != (last + 1) * len(golden.columns) * _FLOAT:
        raise FaultyInputError("golden_malformed", "the golden attacks have no or other rows than they name")
    return Frozen(golden, rows)


def judge(frozen: Frozen, model: Judging) -> Judged:
    """Return how a model does on golden attacks."""
    caught = {attack.name for attack in frozen.golden.attacks if _is_caught(frozen, attack, model)}
    attacks = frozen.golden.attacks
    return Judged(
        attacks=len(attacks),
        caught=len(caught),
        share=round(len(caught) / len(attacks), 6),
        floor=frozen.golden.floor,
        missed_canaries=tuple(one.name for one in attacks if one.canary and one.name not in caught),
        unknown_columns=len(set(frozen.golden.columns) - set(NAMES)),
    )


def demand(frozen: Frozen, model: Judging) -> Judged:
    """Return how a model does, if it may serve.

    Raises:
        RefusedError: ``golden_missed``.
    """
    found = judge(frozen, model)
    if not found.passed:
        missed = f", among them the canaries {', '.join(found.missed_canaries[:5])}" if found.missed_canaries else ""
        text = f"it catches {found.share:.1%} of the golden attacks, {found.floor:.1%} are wanted{missed}"
        raise RefusedError("golden_missed", text)
    return found


def _is_caught(frozen: Frozen, attack: GoldenAttack, model: Judging) -> bool:
    event = AccessEvent(attack.name, "", 0, attack.name, "", "", "", subject_type=attack.subject_type)
    return any(model.score(event, frozen.row(row)).level in _FLAGGED for row in attack.rows)
