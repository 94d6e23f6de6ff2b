"""The texts we wrote parse, are as many as promised, and those that measure are never those that train.

A false-alarm rate is worth something only while no text it is measured on was trained on, nor its twin in other
punctuation.
"""

from __future__ import annotations

import collections
import itertools
import json
import pathlib
import re
import unicodedata
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).parents[3]
TRAIN, MEASURE = ROOT / "training" / "inspection", ROOT / "tests" / "data" / "benign_languages"
MEASURED, FEW = ("de", "es", "fr", "hi", "it", "pt", "ru", "zh"), ("ar", "ja", "pl", "sr", "tr", "uk")
LANGUAGES = {"en", "hinglish", *MEASURED, *FEW}
TRICKS = {
    *("override", "roleplay", "prompt_leak", "encoding", "hypothetical", "payload_split", "authority"),
    *("refusal_suppression", "language_switch", "virtualisation", "many_shot", "tool_abuse"),
}
# name: label, at least so many, at least this share in languages other than English
LABELLED = {
    "instructions_in_data": (1, 700, 0.25),
    "clean_data_sentences": (0, 700, 0.25),
    "user_attacks": (1, 400, 0.3),
    "hard_benign_users": (0, 600, 0.15),
}


def _rows(path: pathlib.Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _bare(text: str) -> str:
    """A text by its words only, so that a comma or a capital makes no new text of it."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.glob("*.jsonl"))


@pytest.mark.parametrize("name", LABELLED)
def test_labelled_texts_are_as_many_and_as_mixed_as_promised(name: str) -> None:
    label, least, share = LABELLED[name]
    rows = _rows(TRAIN / f"{name}.jsonl")
    assert len(rows) >= least
    assert {row["label"] for row in rows} == {label}
    assert {row["lang"] for row in rows} <= LANGUAGES
    assert sum(row["lang"] != "en" for row in rows) >= share * len(rows)
    assert all(row["text"].strip() and re.fullmatch("[a-z_]+", row["kind"]) for row in rows)


def test_attacks_of_users_name_their_trick() -> None:
    assert {row["kind"] for row in _rows(TRAIN / "user_attacks.jsonl")} == TRICKS


@pytest.mark.parametrize("lang", MEASURED)
def test_each_measured_language_has_two_hundred_texts_of_both_channels(lang: str) -> None:
    rows = _rows(MEASURE / f"{lang}.jsonl")
    assert len(rows) >= 200
    assert all(set(row) == {"id", "text", "channel"} and row["text"].strip() for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(sum(row["channel"] == channel for row in rows) >= 90 for channel in ("user", "data"))


@pytest.mark.parametrize(("lang", "least"), [*((lang, 60) for lang in MEASURED), *((lang, 20) for lang in FEW)])
def test_each_language_has_benign_texts_to_train_on(lang: str, least: int) -> None:
    rows = _rows(TRAIN / f"benign_{lang}.jsonl")
    assert len(rows) >= least
    assert {(row["label"], row["lang"]) for row in rows} == {(0, lang)}
    assert {row["channel"] for row in rows} == {"user", "data"}


def test_no_text_stands_twice_and_none_that_measures_is_trained_on() -> None:
    files = [*_files(TRAIN), *_files(MEASURE)]
    assert len(files) == len(LABELLED) + len(MEASURED) * 2 + len(FEW)
    texts = sorted((_bare(row["text"]), path.name) for path in files for row in _rows(path))
    assert [(one, two) for one, two in itertools.pairwise(texts) if one[0] == two[0]] == []


def _shingles(text: str) -> set[str]:
    bare = _bare(text)
    return {bare[at : at + 8] for at in range(max(1, len(bare) - 7))}


def test_none_that_measures_is_a_near_twin_of_one_that_trains() -> None:
    trained = [_shingles(row["text"]) for path in _files(TRAIN) for row in _rows(path)]
    holding: dict[str, list[int]] = {}
    for at, shingles in enumerate(trained):
        for shingle in shingles:
            holding.setdefault(shingle, []).append(at)
    for row in (row for path in _files(MEASURE) for row in _rows(path)):
        mine = _shingles(row["text"])
        shared = collections.Counter(at for shingle in mine for at in holding.get(shingle, []))
        near = [at for at, count in shared.items() if count >= 0.6 * len(mine | trained[at])]
        assert near == [], row


def test_payloads_reach_nobody() -> None:
    hosts = re.compile(r"(?:https?://|[\w.]@)([\w.-]+\.[a-z]+)")
    texts = [row["text"] for path in [*_files(TRAIN), *_files(MEASURE)] for row in _rows(path)]
    named = {host for text in texts for host in hosts.findall(text)}
    assert named <= {"example.com", "example.org"}
