"""Somebody changes the texts that the detectors are taught from: nothing is taught."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.errors import RefusedError
from ostiary.inspection.training.manifest import check_sources, write_manifest
from ostiary.inspection.training.places import Places


@pytest.fixture
def where(tmp_path: Path) -> Places:
    texts, own = tmp_path / "texts", tmp_path / "own"
    for folder in (texts, own):
        folder.mkdir()
    (texts / "deepset.jsonl.gz").write_bytes(b"texts")
    (own / "user_attacks.jsonl").write_bytes(b"{}\n")
    rest = tmp_path / "rest"
    return Places(texts=texts, own=own, prose=rest, work=rest, out=rest, base=rest, agentdojo=rest)


def test_what_was_written_down_teaches(where: Places) -> None:
    assert check_sources_digest(where) == write_manifest(where)


def check_sources_digest(where: Places) -> str:
    write_manifest(where)
    return check_sources(where).digest


@pytest.mark.parametrize(
    "swap",
    [
        lambda where: (where.texts / "deepset.jsonl.gz").write_bytes(b"poison"),
        lambda where: (where.own / "user_attacks.jsonl").unlink(),
        lambda where: (where.texts / "garak.jsonl.gz").write_bytes(b"another source"),
        lambda where: (where.own / "more.jsonl").write_bytes(b"{}\n"),
        lambda where: (where.own / "SOURCES.json").write_bytes(b"{"),
        lambda where: (where.own / "SOURCES.json").unlink(),
    ],
)
def test_texts_that_nobody_named_teach_nothing(where: Places, swap: Callable[[Places], object]) -> None:
    write_manifest(where)
    swap(where)
    with pytest.raises(RefusedError) as fault:
        check_sources(where)
    assert fault.value.code == "training_sources"


def test_the_shipped_manifest_names_our_own_texts_as_they_are(repo: Path) -> None:
    from ostiary.inspection.training.manifest import manifest_of, read_manifest  # noqa: PLC0415
    from ostiary.inspection.training.places import places  # noqa: PLC0415

    where = places()
    assert where.own == repo / "training" / "inspection"
    own = {one.file: one.sha256 for one in manifest_of(where).files if one.source == "own"}
    assert own == {one.file: one.sha256 for one in read_manifest(where).files if one.source == "own"}
