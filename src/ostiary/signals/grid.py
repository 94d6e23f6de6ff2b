"""The six features that every dimension of an access has: new, new to peers, surprise, ratio, age, idle.

Rules:
- ``new`` is 1 for a value the subject never used before this sitting: logging in from a strange network first does
  not make the network familiar. A subject without history finds everything new (``history_depth`` tells).
- ``surprise`` is ``-ln p(x|subject)``, backed off to peers and tenant; ``ratio`` is ``ln p(x|tenant)/p(x|subject)``,
  the likelihood ratio of Freeman et al. (NDSS 2016): how much more the tenant would do this than the subject.
- An event without a value of this dimension has six NaN.
- A *brief* dimension has the first three only: new, new to peers, surprise.
"""

from collections.abc import Callable, Sequence
from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import peers, span, times, unlogged
from ostiary.signals.profiles import Entry
from ostiary.signals.signal import LONGEST_DAYS, NAN, Cell, Extract, Feature, Signal, Words
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent

DAY: Final = 86_400
_BRIEF: Final = 3
_MISSING: Final[tuple[float, ...]] = (NAN,) * 6
_MISSING_BRIEF: Final[tuple[float, ...]] = (NAN,) * _BRIEF
_LONGEST_S: Final = LONGEST_DAYS * DAY
_MOST: Final = log1p(LONGEST_DAYS)

Name = Callable[[AccessEvent, str], str]


def _features(name: str, noun: str, family: Family | None) -> tuple[Feature, ...]:
    new, odd = family or Family.NOVELTY, family or Family.SURPRISE
    table = (
        ("new", f"the subject never used this {noun} before this sitting", "flag", 1, new),
        ("new_to_peers", f"nobody else in the peer group used this {noun} before", "flag", 1, new),
        ("surprise", f"-ln chance of this {noun} for the subject, backed off to peers, tenant", "nats", 1, odd),
        ("ratio", f"ln of how much likelier this {noun} is for the tenant than the subject", "nats", 1, odd),
        ("age", f"since the subject first used this {noun}, at most 90 days", "ln(1+days)", -1, new),
        ("idle", f"since the subject last used this {noun}, at most 90 days", "ln(1+days)", 0, new),
    )
    return tuple(Feature(f"{name}_{part}", text, unit, way, family=kind) for part, text, unit, way, kind in table)


def cells(history: History, wanted: Sequence[Cell]) -> list[tuple[float, ...]]:
    """Return the features of each wanted dimension: of many at once, since one by one they cost twice as much."""
    values, mine, peers_of, odd, ratio = history.values, history.mine, history.peers, history.surprise, history.ratio
    now, since, alone = history.moment.now, history.since, 1.0 if history.peer_events else NAN
    found: list[tuple[float, ...]] = []
    for dim, brief in wanted:
        if values[dim] is None:
            found.append(_MISSING_BRIEF if brief else _MISSING)
            continue
        entry, peer = mine[dim], peers_of[dim]
        shared = peer is not None and peer[1] > (entry is not None)
        unshared = 0.0 if shared and alone == 1.0 else alone
        if entry is None:
            found.append((1.0, unshared, odd[dim]) if brief else (1.0, unshared, odd[dim], ratio[dim], 0.0, NAN))
            continue
        new, first, last = 1.0 if entry[1] >= since else 0.0, now - entry[1], now - entry[2]
        if brief:
            found.append((new, unshared, odd[dim]))
            continue
        age = 0.0 if first <= 0 else _MOST if first >= _LONGEST_S else log1p(first / DAY)
        idle = 0.0 if last <= 0 else _MOST if last >= _LONGEST_S else log1p(last / DAY)
        found.append((new, unshared, odd[dim], ratio[dim], age, idle))
    return found


def _extractor(cell: Cell) -> Extract:
    wanted = (cell,)

    def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
        return cells(history, wanted)[0]

    return extract


def _speaker(dim: int, name: str, noun: str, called: Name) -> Words:
    def words(feature: str, value: float, event: AccessEvent, history: History) -> str:
        text = history.values[dim]
        if text is None:
            return f"the {noun} is not told"
        what = called(event, text)
        mine, peer = history.mine[dim], history.peers[dim]
        others = peers(history, (peer[1] if peer else 0) - (mine is not None))
        used = times(mine[0]) if mine else "never"
        match feature.removeprefix(f"{name}_"):
            case "new" if value == 1.0:
                return f"{what} first seen from you{_just_now(mine, history)}; {others} used it"
            case "new_to_peers" if value == 1.0:
                return f"{what} is new to your peers: {others} used it"
            case "age" if mine is not None:
                return f"{what} is known from you for {span(DAY * unlogged(value))}"
            case "idle" if mine is not None:
                return f"you last used {what} {span(DAY * unlogged(value))} ago"
        return (
            f"{what} is {'usual' if mine and value < 1.0 else 'unusual'} for you: "
            f"{used} in {history.my_totals[dim]:,} accesses"
        )

    return words


def _just_now(mine: Entry | None, history: History) -> str:
    return "" if mine is None else f" {span(history.moment.now - mine[1])} ago"


def named(noun: str) -> Name:
    """Return how to call a value: the noun and the value itself."""
    return lambda _, value: f"{noun} `{shown(value)}`"


def of_dimension(
    dim: Dim,
    topic: str,
    noun: str,
    sources: tuple[str, ...],
    called: Name | None = None,
    words: Words | None = None,
    *,
    family: Family | None = None,
    brief: bool = False,
) -> Signal:
    """Return the signal with the six features of ``dim``.

    Args:
        dim: which dimension.
        topic: what it is about, for a person.
        noun: what a value is, for a person.
        sources: the event's fields it comes from.
        called: how to call one value in words; the noun and the value by default.
        words: own words for some features; ``""`` falls back to the common ones.
        family: of all six; by default what is first seen is ``novelty`` and what is unlikely is ``surprise``.
        brief: only the first three: enough where a value is a mere detail.
    """
    name = dim.name.lower()
    common = _speaker(dim, name, noun, called or named(noun))

    def speak(feature: str, value: float, event: AccessEvent, history: History) -> str:
        return (words(feature, value, event, history) if words else "") or common(feature, value, event, history)

    needs = ("subject", "peers", "tenant")
    features = _features(name, noun, family)
    if brief:
        features = features[:_BRIEF]
    cell = Cell(dim, brief)
    return Signal(family or Family.NOVELTY, features, sources, needs, _extractor(cell), speak, topic, cell=cell)
