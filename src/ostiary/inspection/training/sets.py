"""What is measured on: attacks by source, clean texts by source, long and foreign ones; nothing of it is learned here.

- *User*: attacks of each labelled source; clean are the threshold sources, real requests and mails.
- *Data*: documents with an attack inside against clean ones. ``requests_inside`` puts requests of sources that never
  teach into documents that never teach: an instruction in data that is no attack by its words.
- AgentDojo: ``agentdojo.py``; its texts are measured on and nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ostiary.inspection.learned.pieces import sentences
from ostiary.inspection.text import normalise
from ostiary.inspection.training.reading import Row, read_source
from ostiary.inspection.training.sources import SOURCES

Sets = dict[str, list[str]]

_LEAST: Final = 10
_MOST: Final = 300
_REQUEST: Final = 160
_BODY: Final = range(300, 2500)
LENGTHS: Final = (500, 1000, 2000, 4000, 8000, 16_000)
"""Characters of the long clean texts, least of each bucket."""


def plain(rows: Sequence[Row]) -> list[str]:
    """Return the normalised texts of the rows."""
    return [normalise(row.text).text for row in rows]


def some(folder: Path, name: str, kept: Callable[[Row], bool], most: int = _MOST) -> list[str]:
    """Return the normalised texts of the rows of a source that are kept, evenly thinned to ``most``."""
    rows = [row for row in read_source(folder, name) if kept(row)]
    step = max(1, -(-len(rows) // most))
    return plain(rows[::step])


def user_attacks(folder: Path) -> Sets:
    """Return attacks of the user channel by source."""
    found = {}
    for name in SOURCES:
        texts = some(folder, name, lambda row: row.label == 1 and row.kind != "indirect")
        if len(texts) >= _LEAST:
            found[name] = texts
    return found


def user_clean(folder: Path) -> Sets:
    """Return the clean texts that set the threshold of the user channel."""
    sources = ("arena_hard", "fastchat", "oasst_en100", "llmail_benign")
    return {name: some(folder, name, lambda row: row.form != "assistant", 10_000) for name in sources}


def notinject(folder: Path) -> list[str]:
    """Return the hard ordinary texts of NotInject."""
    return plain(read_source(folder, "notinject"))


def data_attacks(folder: Path) -> Sets:
    """Return documents with an attack inside, by source; a source's name may have a part behind a dot."""

    def inside(row: Row) -> bool:
        return row.label == 1 and row.kind == "indirect" and row.form != "attack_only"

    return {
        "bipia": some(folder, "bipia", inside),
        "injecagent.base": some(folder, "injecagent", lambda row: inside(row) and row.split.endswith("base"), 250),
        "injecagent.enhanced": some(folder, "injecagent", lambda row: inside(row) and row.split.endswith("ced"), 250),
        "tasktracker": some(folder, "tasktracker", inside, 250),
        "cyberseceval_pi": some(folder, "cyberseceval_pi", inside),
        "bastioncorpus": some(folder, "bastioncorpus", inside),
        "requests_inside": requests_inside(folder, 300),
    }


def data_clean(folder: Path) -> Sets:
    """Return clean documents by source."""
    return {
        "llmail_benign": some(folder, "llmail_benign", lambda _: True),
        "oasst_answers": some(folder, "oasst_en100", lambda row: row.form == "assistant", 250),
        "bipia": some(folder, "bipia", lambda row: row.label == 0, 350),
        "injecagent": some(folder, "injecagent", lambda row: row.form == "tool_response_filled"),
    }


def requests_inside(folder: Path, count: int) -> list[str]:
    """Return documents with a request at the begin, at the end or after one of their sentences."""
    rng = np.random.default_rng(6)
    requests = [
        row.text for name in ("arena_hard", "fastchat") for row in read_source(folder, name) if len(row.text) < _REQUEST
    ]
    bodies = list(_bodies(folder))
    found = []
    for at in range(count):
        body, request = (items[int(rng.integers(len(items)))] for items in (bodies, requests))
        ends = [end for _, end in sentences(body)]
        cut = (0, len(body), ends[int(rng.integers(len(ends)))])[at % 3]
        found.append(normalise(f"{body[:cut]} {request} {body[cut:]}".strip()).text)
    return found


def _bodies(folder: Path) -> Iterator[str]:
    yield from (row.text for row in read_source(folder, "llmail_benign"))
    for row in read_source(folder, "oasst_en100"):
        if row.form == "assistant" and len(row.text) in _BODY:
            yield row.text


def long_texts(texts: Sequence[str], rng: np.random.Generator, each: int) -> dict[int, list[str]]:
    """Return clean texts of every length bucket, put together of short ones; they end at a blank."""
    found: dict[int, list[str]] = {}
    for length in LENGTHS:
        found[length] = []
        for _ in range(each):
            text = ""
            while len(text) < length:
                text += texts[int(rng.integers(len(texts)))] + "\n\n"
            found[length].append(text[: int(length * 1.4)].rsplit(" ", 1)[0])
    return found
