r"""Verdicts as labels: the CSV that ``risk train --labels`` reads, with where each label comes from beside it.

- Columns: ``event_id,label`` as the trainer wants them, then who said it, through what, when, and by which verdict.
- The digest is over the very bytes; a model card that names it names who taught the model.
- ``most_share`` caps how much of each label one analyst may give: his oldest are kept, the rest left out and counted.
- Nothing that a person wrote freely is in it; what a spreadsheet would run as a formula is defused with a quote.

>>> cell("=HYPERLINK(1)"), cell("fbk_1")
("'=HYPERLINK(1)", 'fbk_1')
"""

import csv
import io
from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.keys import sha256_hex
from ostiary.server.feedback.book import LABELS, Feedback

COLUMNS: Final = ("event_id", "label", "verdict", "feedback", "by", "source", "at_ns")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ALONE: Final = 20


class Provenance(msgspec.Struct, frozen=True):
    """Where labels come from.

    Attributes:
        digest: SHA-256 of the file's bytes.
        labels, impostors: how many, and how many of them are 1.
        by: how many each analyst gave; ``left_out``: how many of theirs were too many.
        sources: how many came through what.
    """

    digest: str
    labels: int
    impostors: int
    by: dict[str, int]
    sources: dict[str, int]
    left_out: dict[str, int]


def cell(text: str) -> str:
    """Return a cell that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def labels_of(by_event: Mapping[str, Feedback], most_share: float = 1.0) -> tuple[bytes, Provenance]:
    """Return the file and its provenance.

    Args:
        by_event: the verdict that counts for each access.
        most_share: how much of all verdicts of one label one analyst may give, from 0 to 1; 20 are always let in.
    """
    ordered = sorted(by_event.items(), key=lambda item: (item[1].at_ns, item[0]))
    kept, left_out = _capped(ordered, most_share)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    by: dict[str, int] = {}
    sources: dict[str, int] = {}
    for event, said in kept:
        row = (event, str(LABELS[said.verdict]), said.verdict, said.id, said.by, said.source, str(said.at_ns))
        writer.writerow([cell(each) for each in row])
        by[said.by] = by.get(said.by, 0) + 1
        sources[said.source] = sources.get(said.source, 0) + 1
    data = text.getvalue().encode()
    ones = sum(LABELS[said.verdict] for _, said in kept)
    return data, Provenance(f"sha256:{sha256_hex(data)}", len(kept), ones, by, sources, left_out)


def _capped(
    ordered: list[tuple[str, Feedback]], most_share: float
) -> tuple[list[tuple[str, Feedback]], dict[str, int]]:
    totals = {label: sum(LABELS[said.verdict] == label for _, said in ordered) for label in (0, 1)}
    given: dict[tuple[str, int], int] = {}
    kept: list[tuple[str, Feedback]] = []
    left_out: dict[str, int] = {}
    for event, said in ordered:
        who = (said.by, LABELS[said.verdict])
        if most_share < 1 and given.get(who, 0) >= max(_ALONE, int(most_share * totals[who[1]])):
            left_out[said.by] = left_out.get(said.by, 0) + 1
            continue
        given[who] = given.get(who, 0) + 1
        kept.append((event, said))
    return kept, left_out
