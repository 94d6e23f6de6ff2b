"""Reads files of behaviour, JSON Lines, plain or gzip, with limits; what cannot be used is told by line and left out.

    people   {"subject", "session", "modality", "events" | "features", …}    what a set holds, and training reads
    enrol    {"subject", "order", "modality", "events" | "features"}         the windows that templates are made of
    windows  {"window", "modality", "events" | "features"}                   what is to be judged
    probes   {"id", "claimed", "windows": [window, …]}                       who claims to have made which of them

- Names are texts or whole numbers; ``7`` and ``"7"`` are the same name.
- A folder is every ``*.jsonl`` and ``*.jsonl.gz`` in it, in name order. Files whose name begins with ``test`` hold
  claims, not people (the person may be another), so they teach nothing.
- Lines of another modality in a folder are left aside in silence; in the other files they are told.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast

import msgspec

from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Modality, Window, window_of
from ostiary.errors import FaultyInputError, UnavailableError

_GZIP: Final = b"\x1f\x8b"
_MOST_NAME: Final = 200
_MOST_TAGS: Final = 16
_MOST_PROBE: Final = 10_000
_CLAIMS: Final = "test"
Name = str | int
_T = TypeVar("_T")


class Limits(msgspec.Struct, frozen=True):
    """Bounds on one file.

    Attributes:
        line_bytes: of one line; a longer one is left out.
        rows: lines of a file; more refuse it.
        bytes: of a file, decompressed; more refuse it.
    """

    line_bytes: int = 16 << 20
    rows: int = 5_000_000
    bytes: int = 8 << 30


class Rejected(msgspec.Struct, frozen=True):
    """A line that was left out."""

    path: Path
    line: int
    code: str
    text: str


class Probe(msgspec.Struct, frozen=True):
    """A question: did ``claimed`` make these windows?

    Attributes:
        id: of the question, given back as it came.
        claimed: whose template is asked.
        windows: names of the windows.
        line: where it stands in its file.
    """

    id: Name
    claimed: Name
    windows: tuple[str, ...]
    line: int


OnRejected = Callable[[Rejected], None]
LIMITS: Final = Limits()


class _Line(msgspec.Struct):
    modality: str = ""
    subject: Name = ""
    session: Name = ""
    order: int | None = None
    window: Name = ""
    events: Any = None
    features: Any = None


class _Asked(msgspec.Struct):
    id: Name
    claimed: Name
    windows: list[Name]


def read_people(place: Path, modality: Modality, reject: OnRejected, limits: Limits = LIMITS) -> list[Row]:
    """Return the windows of known people in a folder or file, in order.

    Raises:
        FaultyInputError: ``data_empty``, and those of ``lines_of``.
        UnavailableError: ``file_unavailable``.
    """
    counts: dict[str, int] = {}
    files = files_of(place)
    found = [row for path in files for row in _taken(path, reject, limits, lambda raw: _person(raw, modality, counts))]
    rows = [row for row in found if row is not None]
    if not rows:
        raise FaultyInputError("data_empty", f"`{place}` holds no {modality.value} windows of people")
    return rows


def files_of(place: Path) -> list[Path]:
    """Return the files of people in a folder, or the one file."""
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))
    return [path for path in found if not path.name.startswith(_CLAIMS)]


def read_enrolment(
    path: Path, modality: Modality, reject: OnRejected, first: int | None = None, limits: Limits = LIMITS
) -> dict[str, list[Row]]:
    """Return each subject's windows by ``order``; with ``first``, only rows whose order is below it.

    Raises:
        FaultyInputError: those of ``lines_of``.
        UnavailableError: ``file_unavailable``.
    """
    people: dict[str, list[Row]] = {}
    for row in _taken(path, reject, limits, lambda raw: _enrolled(raw, modality)):
        if first is None or row.order < first:
            people.setdefault(row.subject, []).append(row)
    return {subject: sorted(rows, key=lambda row: row.order) for subject, rows in people.items()}


def read_windows(path: Path, modality: Modality, reject: OnRejected, limits: Limits = LIMITS) -> dict[str, Window]:
    """Return the windows by name; a name that comes again is told and left out.

    Raises:
        FaultyInputError: those of ``lines_of``.
        UnavailableError: ``file_unavailable``.
    """
    names: set[str] = set()

    def named(raw: bytes) -> tuple[str, Window]:
        told = _DECODER.decode(raw)
        name = _name(told.window, "window")
        if name in names:
            raise FaultyInputError("window_twice", f"there is a window `{name}` already")
        window = _window(told, modality)
        names.add(name)
        return name, window

    return dict(_taken(path, reject, limits, named))


def read_probes(path: Path, reject: OnRejected, limits: Limits = LIMITS) -> Iterator[Probe]:
    """Yield the probes in order.

    Raises:
        FaultyInputError: those of ``lines_of``.
        UnavailableError: ``file_unavailable``.
    """
    for number, probe in _numbered(path, reject, limits, _probe):
        yield Probe(probe.id, probe.claimed, tuple(map(str, probe.windows)), number)


def lines_of(path: Path, reject: OnRejected, limits: Limits = LIMITS) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each line that is not blank.

    Raises:
        FaultyInputError: ``file_malformed`` (gzip that breaks off), ``file_too_large``, ``file_too_long``.
        UnavailableError: ``file_unavailable``.
    """
    try:
        with path.open("rb") as file:
            yield from _bounded(_unpacked(file), path, reject, limits)
    except (gzip.BadGzipFile, zlib.error, EOFError) as fault:
        raise FaultyInputError("file_malformed", f"`{path}` is gzip that cannot be read to its end") from fault
    except OSError as fault:
        raise UnavailableError("file_unavailable", f"`{path}` cannot be read: {fault.strerror or fault}") from fault


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    head = file.read(len(_GZIP))
    file.seek(0)
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if head == _GZIP else file


def _bounded(file: IO[bytes], path: Path, reject: OnRejected, limits: Limits) -> Iterator[tuple[int, bytes]]:
    number = size = 0
    while line := file.readline(limits.line_bytes + 1):
        number += 1
        size += len(line)
        if number > limits.rows:
            raise FaultyInputError("file_too_long", f"`{path}` has more than {limits.rows:,} lines")
        if len(line) > limits.line_bytes and not line.endswith(b"\n"):
            reject(Rejected(path, number, "line_too_long", f"a line has more than {limits.line_bytes:,} bytes"))
            while (rest := file.readline(limits.line_bytes)) and not rest.endswith(b"\n"):
                size += len(rest)
                _small(size, path, limits)
        elif line.strip():
            yield number, line
        _small(size, path, limits)


def _small(size: int, path: Path, limits: Limits) -> None:
    if size > limits.bytes:
        raise FaultyInputError("file_too_large", f"`{path}` has more than {limits.bytes:,} bytes when unpacked")


def _taken(path: Path, reject: OnRejected, limits: Limits, take: Callable[[bytes], _T]) -> Iterator[_T]:
    return (found for _, found in _numbered(path, reject, limits, take))


def _numbered(path: Path, reject: OnRejected, limits: Limits, take: Callable[[bytes], _T]) -> Iterator[tuple[int, _T]]:
    """Yield what ``take`` makes of each line; what it refuses is told."""
    for number, line in lines_of(path, reject, limits):
        try:
            yield number, take(line)
        except FaultyInputError as fault:
            reject(Rejected(path, number, fault.code, fault.message))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
            reject(Rejected(path, number, "row_malformed", f"the line is not of its form: {str(fault)[:_MOST_NAME]}"))


def _probe(raw: bytes) -> _Asked:
    told = _ASKED.decode(raw)
    _name(told.claimed, "claimed")
    _name(told.id, "id")
    if not 0 < len(told.windows) <= _MOST_PROBE:
        raise FaultyInputError("probe_empty", f"a probe has 1 to {_MOST_PROBE:,} windows")
    return told


def _person(raw: bytes, modality: Modality, counts: dict[str, int]) -> Row | None:
    told = _DECODER.decode(raw)
    if told.modality != modality.value:
        return None
    subject, session = _name(told.subject, "subject"), _name(told.session, "session")
    window = _window(told, modality)
    order = counts.get(subject, 0)
    counts[subject] = order + 1
    return Row(subject, session, window, order, _tags(raw))


def _enrolled(raw: bytes, modality: Modality) -> Row:
    told = _DECODER.decode(raw)
    if told.order is None:
        raise FaultyInputError("order_missing", "a row of an enrolment has its `order`")
    session = "" if told.session == "" else _name(told.session, "session")
    return Row(_name(told.subject, "subject"), session, _window(told, modality), told.order)


def _window(told: _Line, modality: Modality) -> Window:
    if told.modality != modality.value:
        text = f"the window is of `{told.modality[:_MOST_NAME]}`, asked for is `{modality.value}`"
        raise FaultyInputError("modality_other", text)
    return window_of(modality, told.features if modality is Modality.FEATURES else told.events)


def _name(name: Name, what: str) -> str:
    text = str(name)
    if not 0 < len(text) <= _MOST_NAME:
        raise FaultyInputError("name_malformed", f"`{what}` is a name of 1 to {_MOST_NAME} characters")
    return text


def _tags(raw: bytes) -> dict[str, str | int | float]:
    rest = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    plain = {name: bytes(value) for name, value in rest.items() if name not in _OWN}
    few = sorted(name for name, value in plain.items() if value[:1] not in b"[{tfn" and len(value) <= _MOST_NAME)
    return {name: msgspec.json.decode(plain[name], type=str | int | float) for name in few[:_MOST_TAGS]}


_DECODER: Final = msgspec.json.Decoder(_Line)
_ASKED: Final = msgspec.json.Decoder(_Asked)
_OWN: Final = frozenset(_Line.__struct_fields__)
