"""Figures of the inspector as it ships, rules and all, at its own threshold.

- ``recall`` is the share with a score of 0.5 or more, which is the verdict ``block``.
- AgentDojo's area and its recall at one clean record in a hundred are against its own clean records.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.training import agentdojo, sets
from ostiary.inspection.training.measure import above, area, threshold_at
from ostiary.vocabulary.inspecting import PromptInspector
from ostiary.vocabulary.labels import Channel

Floats = npt.NDArray[np.float64]

_JUST_BELOW: Final = np.nextafter(0.5, 0)
_EACH: Final = 200


class _Ordinary(msgspec.Struct, frozen=True):
    """One of our own ordinary texts."""

    text: str
    channel: str = "user"


class Rate(msgspec.Struct, frozen=True):
    """How many of how many texts score 0.5 or more."""

    texts: int
    blocked: float


class Wrapped(msgspec.Struct, frozen=True):
    """How AgentDojo's poisoned records of one wrapping are met."""

    texts: int
    blocked: float
    recall_at_1_percent: float
    area: float


class Shipped(msgspec.Struct, frozen=True):
    """Figures of the shipped inspector.

    Attributes:
        notinject: ordinary texts of NotInject, as a user's.
        clean: ordinary texts by channel and source.
        lengths: ordinary texts by channel and least length.
        languages: our own ordinary texts by language and channel.
        agentdojo: by wrapping; empty where its package is not given.
        agentdojo_clean: its clean records.
    """

    notinject: Rate
    clean: dict[str, Rate]
    lengths: dict[str, Rate]
    languages: dict[str, Rate]
    agentdojo: dict[str, Wrapped]
    agentdojo_clean: Rate | None = None


def measure(inspector: PromptInspector, texts: Path, languages: Path | None, package: Path | None) -> Shipped:
    """Return the figures of ``inspector``; ``languages`` holds a file a language, ``package`` is AgentDojo's."""
    user, data = sets.user_clean(texts), sets.data_clean(texts)
    clean = {f"user {name}": _rate(inspector, rows, Channel.USER) for name, rows in user.items()}
    clean |= {f"data {name}": _rate(inspector, rows, Channel.DATA) for name, rows in data.items()}
    clean["operator awesome_prompts"] = _rate(
        inspector, sets.some(texts, "awesome_prompts", lambda _: True), Channel.OPERATOR
    )
    lengths = {}
    for channel, rows in ((Channel.USER, user), (Channel.DATA, data)):
        pool = [text for part in rows.values() for text in part]
        for least, made in sets.long_texts(pool, np.random.default_rng(11), _EACH).items():
            lengths[f"{channel.value} {least}"] = _rate(inspector, made, channel)
    poisoned, records = _agentdojo(inspector, package) if package else ({}, None)
    hard = _rate(inspector, sets.notinject(texts), Channel.USER)
    return Shipped(hard, clean, lengths, _languages(inspector, languages), poisoned, records)


def _languages(inspector: PromptInspector, folder: Path | None) -> dict[str, Rate]:
    found = {}
    for path in sorted(folder.glob("*.jsonl")) if folder else ():
        rows = [msgspec.json.decode(line, type=_Ordinary) for line in path.read_bytes().splitlines() if line]
        for channel in (Channel.USER, Channel.DATA):
            texts = [row.text for row in rows if row.channel == channel.value]
            if texts:
                found[f"{path.stem} {channel.value}"] = _rate(inspector, texts, channel)
    return found


def _agentdojo(inspector: PromptInspector, package: Path) -> tuple[dict[str, Wrapped], Rate]:
    clean, _ = agentdojo.records(package)
    calm = scores(inspector, clean, Channel.DATA)
    line = threshold_at({"agentdojo": calm})
    found = {}
    for name, texts in agentdojo.attacks(package).items():
        said = scores(inspector, texts, Channel.DATA)
        found[name] = Wrapped(len(texts), above(said, _JUST_BELOW), above(said, line), area(said, calm))
    return found, Rate(len(calm), above(calm, _JUST_BELOW))


def _rate(inspector: PromptInspector, texts: Sequence[str], channel: Channel) -> Rate:
    return Rate(len(texts), above(scores(inspector, texts, channel), _JUST_BELOW))


def scores(inspector: PromptInspector, texts: Sequence[str], channel: Channel) -> Floats:
    """Return the score of every text."""
    return np.array([inspector.inspect(text, channel).score for text in texts])
