"""The model card: what it was trained on, how, how well it did where it was measured, and what it cannot tell.

- ``card.json`` is for programs, ``card.md`` says the same to people.
- Nothing in it depends on the clock or the machine: the same history, settings and seed give the same bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ostiary.risk.measure.groups import GroupRates
from ostiary.risk.source import Source
from ostiary.risk.training.fit import FitSettings
from ostiary.risk.training.prepare import PrepareSettings
from ostiary.risk.training.votes import Odd

LIMITS: Final = (
    "Impostors in training are injected into real behaviour; a figure here is about those, not about real attacks.",
    "A colleague who does the victim's usual work at usual hours from the usual place looks like the victim.",
    "High-cardinality names (resources, networks, devices) enter by counts of what came before, in order of time.",
    "Impostors come in runs, so recent volume is informative; a patient attacker with one access a week is seen less.",
    "Attacks already in the history without a verdict are learned as own behaviour.",
    "Subjects with little history score near the base rate with high uncertainty; policy reads the uncertainty.",
)


class Figures(msgspec.Struct, frozen=True):
    """How the model did on rows it did not see.

    Attributes:
        rows, positives: how many.
        roc_auc, average_precision, recall_at_1_percent, recall_at_01_percent: ranking.
        brier, calibration_error: at the mix's own base rate.
        auc_by_kind: against all own accesses, by kind of impostor.
    """

    rows: int
    positives: int
    roc_auc: float | None
    average_precision: float | None
    recall_at_1_percent: float | None
    recall_at_01_percent: float | None
    brier: float | None
    calibration_error: float | None
    auc_by_kind: dict[str, float | None]


class WingCard(msgspec.Struct, frozen=True):
    """One group of subjects with forests of its own, or everybody.

    Attributes:
        subjects: with rows in the training of the group.
        trees, session_trees: in the final forests.
        accesses: figures of single accesses on the later slice.
        sessions: of sessions, by the session forest.
        unseen: of sessions of subjects that were in no training row.
        worst_access: of sessions, if a session were as risky as its worst access: what the session forest adds to.
        session_nets: networks that judge sessions beside the trees, 0 of a history too short for them.
    """

    subjects: int
    trees: int
    session_trees: int
    accesses: Figures
    sessions: Figures
    unseen: Figures
    worst_access: Figures
    session_nets: int = 0


class Card(msgspec.Struct, frozen=True):
    """Everything the card says.

    Attributes:
        task: what the score means.
        protocol: how it was trained and measured, in sentences.
        sources: the data manifest.
        manifest: digest of the data manifest and settings together.
        continues: digest of the model whose scale of scores this one keeps, empty for none.
        subjects, events: of the history.
        labels: how many verdicts of each kind were used.
        seed: of everything random.
        prepare, fit: settings.
        trees, session_trees: in everybody's final forests.
        versions: of the libraries that made it.
        events_figures, sessions_figures, unseen_subjects: everybody's, as in ``WingCard``.
        wings: everybody, and each group with forests of its own.
        false_positives: of people, service accounts and jobs apart, by the forest that judges them.
        gain_by_family: share of the total gain of everybody's access forest.
        monotone: how many columns are held rising and falling.
        limits: what it cannot tell.
        partitions: forests of disjoint groups of sources that vote beside it, 0 for none.
        sources_by: what a source is then: ``account`` or ``producer``.
        odd_sources: sources whose own accesses the others find odd far more often than usual.
    """

    task: str
    protocol: tuple[str, ...]
    sources: tuple[Source, ...]
    manifest: str
    continues: str
    subjects: int
    events: int
    labels: dict[str, int]
    seed: int
    prepare: PrepareSettings
    fit: FitSettings
    trees: int
    session_trees: int
    versions: dict[str, str]
    events_figures: Figures
    sessions_figures: Figures
    unseen_subjects: Figures
    wings: dict[str, WingCard]
    false_positives: tuple[GroupRates, ...]
    gain_by_family: dict[str, float]
    monotone: dict[str, int]
    limits: tuple[str, ...] = LIMITS
    partitions: int = 0
    sources_by: str = ""
    odd_sources: tuple[Odd, ...] = ()


def encode_card(card: Card) -> bytes:
    """Return the card as JSON."""
    return msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=1) + b"\n"


def write_card(card: Card) -> bytes:
    """Return the card as Markdown."""
    parts = [
        "# Access-risk model\n",
        card.task + "\n",
        "## Data\n",
        _bullets(
            f"{one.origin}: {one.events:,} events, {one.rejected:,} rejected, sha256 {one.sha256}{_read_with(one)}"
            for one in card.sources
        ),
        _bullets(f"provenance: {one.provenance}" for one in card.sources if one.provenance),
        _bullets([f"{card.subjects:,} subjects, {card.events:,} events, verdicts {card.labels or 'none'}"]),
        _bullets([f"manifest {card.manifest}, seed {card.seed}"]),
        _bullets([f"scores keep the scale of {card.continues}"] if card.continues else []),
        _bullets(_vote(card)),
        "\n## Protocol\n",
        _bullets(card.protocol),
        "\n## Figures on the later slice (impostors injected into real behaviour)\n",
        *(_wing(name, wing) for name, wing in card.wings.items()),
        "\n## False alarms on own accesses, by group\n",
        _alarms(card.false_positives),
        "\n## Gain by family\n",
        _bullets(f"{family}: {share:.1%}" for family, share in card.gain_by_family.items()),
        "\n## Known limits\n",
        _bullets(card.limits),
    ]
    return "\n".join(parts).encode()


def _vote(card: Card) -> Iterable[str]:
    """Yield how sources were kept apart, if they were."""
    if card.partitions:
        yield f"{card.partitions} forests of disjoint groups of sources (by {card.sources_by}) vote beside it"
    for one in card.odd_sources:
        yield f"source {one.source} stands out: {one.rate:.1%} of its {one.rows:,} own rows are odd to the others"


def _wing(name: str, wing: WingCard) -> str:
    head = f"\n### {name.capitalize()}\n\n{wing.subjects:,} subjects, {wing.trees} trees for accesses, "
    rows = (
        ("single accesses", wing.accesses),
        ("sessions", wing.sessions),
        ("sessions, by their worst access alone", wing.worst_access),
        ("sessions of unseen subjects", wing.unseen),
    )
    nets = f" and {wing.session_nets} networks" if wing.session_nets else ""
    return f"{head}{wing.session_trees}{nets} for sessions.\n\n{_table(rows)}"


def _alarms(groups: Iterable[GroupRates]) -> str:
    titles = ("group", "subjects", "own accesses", "level", "false positives", "subjects alarmed", "worst subject")
    head = f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}\n"
    return head + "".join(
        f"| {one.group} | {one.subjects:,} | {one.own:,} | {level} | {rate.false_positive_rate or 0.0:.3%} "
        f"| {rate.subjects_alarmed:,} | {rate.worst_subject:,} |\n"
        for one in groups
        for level, rate in one.rates.items()
    )


def _read_with(source: Source) -> str:
    """Return how the source was read; a mapping's digest says which text of it."""
    digest = f" {source.mapping_digest}" if source.mapping_digest else ""
    return f", read as {source.mapping}{digest}" if source.mapping else ""


def _bullets(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _table(rows: Sequence[tuple[str, Figures]]) -> str:
    titles = ("what", "rows", "impostors", "ROC-AUC", "AP", "recall at 1 %", "recall at 0.1 %", "Brier", "ECE")
    head = f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}\n"
    return head + "".join(f"| {name} | {_cells(figures)} |\n" for name, figures in rows)


def _cells(figures: Figures) -> str:
    numbers = (
        figures.roc_auc,
        figures.average_precision,
        figures.recall_at_1_percent,
        figures.recall_at_01_percent,
        figures.brier,
        figures.calibration_error,
    )
    shown = " | ".join("not measured" if number is None else f"{number:.4f}" for number in numbers)
    return f"{figures.rows:,} | {figures.positives:,} | {shown}"
