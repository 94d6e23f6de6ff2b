"""The card of an entitlement model: what it was trained on, how, how well it did, and what it cannot tell.

Nothing in it depends on the clock or the machine: the same tables, settings and seed give the same bytes.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

REQUEST_TASK: Final = "How likely a request for access is refused, from past decisions on requests."
GRANT_TASK: Final = "How expected a pair of user and permission is, from who holds what."
REQUEST_PROTOCOL: Final = (
    (
        "Ids are read as names. Each combination of one or two columns, and the triples that told most, gives the "
        "smoothed share of refusals among the requests before it in a random order, and how often it was seen."
    ),
    (
        "One forest for each random order, every second one with thresholds drawn at random; a ridge-penalised "
        "regression over exact combinations up to three; both joined by a blend that is learned on inner folds."
    ),
    "The figures are of the inner folds: parts fitted on the others' requests. The blend's three numbers saw them.",
)
GRANT_PROTOCOL: Final = (
    (
        "Grants are split into folds at random; each fold is told from the matrix without it, beside as many random "
        "pairs that are no grants; the forest that gives a grant its score saw neither the grant nor its fold."
    ),
    (
        "The figures compare held-out grants with random pairs. Most random pairs are absurd; among plausible ones the "
        "same ranking is lower, and `benchmarks/risk_entitlements.py` measures both."
    ),
)
REQUEST_LIMITS: Final = (
    "It repeats past decisions: what was wrongly granted for years is told as usual.",
    "A score says that people refused such requests, not that this one is dangerous.",
    "Ids that were never decided are told from how often they were seen: a new team's are uncertain.",
    ("The artefact holds the requests it was trained on, as numbers, and their values: keep it as you keep the file."),
)
GRANT_LIMITS: Final = (
    "What everybody in a team holds without need is usual, and is told as usual.",
    "A score is against random pairs, both equally likely; it is a ranking, not the share of wrong grants.",
    "A user with no other grant, or a permission without another holder, has nothing to be compared with.",
    "The artefact holds who has what: keep it as you keep the file.",
)
LICENCE: Final = (
    "The data is the operator's and stays on the operator's machine; none comes with Ostiary.",
    (
        "Figures in the documentation are on the Amazon Employee Access set (Kaggle competition rules: measured, never "
        "shipped) and the HP Labs role-mining sets (public research sets, no licence stated: measured, never shipped)."
    ),
)


class TableSource(msgspec.Struct, frozen=True):
    """One table that was read: what for, its digest and its rows."""

    purpose: str
    sha256: str
    rows: int


class EntitlementCard(msgspec.Struct, frozen=True):
    """The card.

    Attributes:
        task: what the model answers.
        protocol: how it was made and measured.
        sources: the operator-supplied tables.
        seed: of everything random.
        settings: parameters of the fit.
        counts: what was in the tables.
        figures: on the held-out folds.
        single: ROC-AUC of each way of telling alone, for the grant model.
        limits: what it cannot tell.
        licence: whose the data is.
        versions: of the libraries.
    """

    task: str
    protocol: tuple[str, ...]
    sources: tuple[TableSource, ...]
    seed: int
    settings: dict[str, Any]
    counts: dict[str, int]
    figures: dict[str, float]
    limits: tuple[str, ...]
    versions: dict[str, str]
    single: dict[str, float] = {}
    licence: tuple[str, ...] = LICENCE


def card_files(card: EntitlementCard) -> dict[str, bytes]:
    """Return the card for programs and for people."""
    data = msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=1) + b"\n"
    return {"card.json": data, "card.md": _markdown(card).encode()}


def _markdown(card: EntitlementCard) -> str:
    sources = [f"{one.purpose}: operator-supplied file, {one.rows:,} rows, sha256 {one.sha256}" for one in card.sources]
    counts = [f"{name}: {number:,}" for name, number in card.counts.items()]
    figures = [f"{name}: {number:.5f}" for name, number in card.figures.items()]
    single = [f"ROC-AUC of {name} alone: {number:.4f}" for name, number in card.single.items()]
    sections = {
        "Data": [*sources, *counts, f"seed {card.seed}"],
        "Protocol": card.protocol,
        "Figures": [*figures, *single],
        "Known limits": card.limits,
        "Licence of the data": card.licence,
    }
    parts = [f"## {title}\n\n{_bullets(lines)}" for title, lines in sections.items()]
    return "\n".join([f"# Entitlement model\n\n{card.task}\n", *parts])


def _bullets(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)
